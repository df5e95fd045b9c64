# Lists a host, whatever the number of objects, with the same few processes.
# $1 data directory. Each section is a line of its name and then its lines.
visit "$1"
[ ! -d instances ] || bound_consoles 2>/dev/null
set --
for dir in images instances snapshots volumes networks; do
	[ ! -d "$dir" ] || set -- "$@" "$dir"
done
# A line of the listing is a file's: names of more lines than one are nobody's.
newline='
'
echo '[metadata]'
[ $# -eq 0 ] || find "$@" -maxdepth 3 -path "*$newline*" -prune -o -type f -name '*.json' -exec grep -aH '' {} +
records='' # those of processes, which are short
[ ! -d instances ] || records=$(find instances -maxdepth 3 -path "*$newline*" -prune -o -type f -size -2 \( -path '*/run/control.pid' -o -path '*/run/receiver.pid' \) -exec grep -aH '' {} +)
[ ! -d networks ] || records=$records$newline$(find networks -maxdepth 3 -path "*$newline*" -prune -o -type f -size -2 -path '*/run/dnsmasq.pid' -exec grep -aH '' {} +)
printf '%s\n' "$records"
# A checkpoint that has lost its parts is one nevertheless.
echo '[files]'
[ $# -eq 0 ] || find "$@" -maxdepth 3 -path "*$newline*" -prune -o \( -type f \( -path '*/disk/*' -o -path '*/checkpoint/*' -o -path '*/boot/*' -o -path 'images/*' -o -path '*/rollback/instance.json' -o -path 'instances/*/run/asleep' -o -path 'instances/*/run/replacing' -o -name maker \) -o -type d -path 'instances/*/checkpoint' \) -exec stat -c '%h %b %s %n' {} +
echo '[processes]'
printf '%s %s\n' "$BOOT_ID" "$MACHINE_ID"
set --
set -f
IFS=$newline
for record in $records; do
	pid=${record#*:}
	pid=${pid%% *}
	is_number "$pid" && [ -d "/proc/$pid" ] || continue
	[ $# -lt 500 ] || { # more than a command takes, and others may have put them there
		cat "$@" 2>/dev/null
		set --
	}
	set -- "$@" "/proc/$pid/stat"
done
unset IFS
set +f
[ $# -eq 0 ] || cat "$@" 2>/dev/null
echo '[events]'
[ ! -d instances ] || find instances -maxdepth 3 -path "*$newline*" -prune -o -type f -path '*/run/control.out' -exec grep -aHE '"event": "(STOP|RESUME|SHUTDOWN|GUEST_PANICKED|BLOCK_IO_ERROR|DEVICE_DELETED)"|"id": "device_add disk-' {} +
# A checkpoint that has come since shows that an instance changed meanwhile.
echo '[checkpoints]'
for memory in instances/*/checkpoint/memory; do
	case $memory in *"$newline"*) ;; *) printf '%s\n' "$memory" ;; esac
done
echo '[networks]'
if [ -d networks ]; then
	ip -o link show type bridge 2>/dev/null | sed -n 's/^[0-9]*: \(kvmnet[0-9a-f]*\): .*/bridge \1/p'
	tables=$(nft list tables inet 2>/dev/null) || [ "$LOGIN" = 0 ] || echo 'tables unknown' # whoever may make none sees none
	printf '%s\n' "$tables" | sed -n 's/^table inet \(kvmnet[0-9a-f]*\)$/table \1/p'
fi
echo '[ports]'
if [ -d ports ]; then
	printf '*'
	for claim in ports/*; do # one whose instance is gone is void
		case ${claim#ports/} in *[!0-9]*) continue ;; esac
		[ ! -d "$claim" ] || printf ' %s' "${claim#ports/}"
	done
	echo
fi
sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) [0-9A-F]*:0000 0A .*/\1/p' /proc/net/tcp /proc/net/tcp6 2>/dev/null
echo '[end]'
