# Runs in a guest that is a fork, as root: makes another machine of it. $1 its host
# name, or nothing; $2 yes for a new machine ID, $3 yes for new SSH host keys. It
# can be done again.
set -eu

if [ "$1" ]; then
	read -r old </proc/sys/kernel/hostname
	printf '%s\n' "$1" >/etc/hostname
	printf '%s\n' "$1" >/proc/sys/kernel/hostname
	if [ -f /etc/hosts ] && [ "$old" != "$1" ]; then
		new_hosts=$(awk -v old="$old" -v new="$1" '{
			for (i = 2; i <= NF; i++) if ($i == old) $i = new; else if (index($i, old ".") == 1) $i = new substr($i, length(old) + 1)
			print
		}' /etc/hosts)
		printf '%s\n' "$new_hosts" >/etc/hosts
	fi
fi

restart() { # UNIT…: those that run and were started as another machine
	! command -v systemctl >/dev/null || systemctl try-restart "$@"
}

if [ "$2" = yes ]; then
	tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
	[ ! -f /var/lib/dbus/machine-id ] || [ -L /var/lib/dbus/machine-id ] || cat /etc/machine-id >/var/lib/dbus/machine-id
	restart systemd-journald.service systemd-networkd.service
fi

if [ "$3" = yes ]; then
	for key in /etc/ssh/ssh_host_*_key; do
		[ -f "$key" ] || continue
		type=${key#/etc/ssh/ssh_host_}
		rm -f "$key.new" "$key.new.pub"
		ssh-keygen -q -t "${type%_key}" -N '' -C "root@${1:-localhost}" -f "$key.new"
		mv "$key.new.pub" "$key.pub"
		mv "$key.new" "$key"
	done
	restart ssh.service sshd.service
fi
sync
