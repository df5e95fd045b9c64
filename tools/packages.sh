#!/bin/sh
# Installs the packages of packages.txt that are missing. When none is, it does
# nothing, without network and without root.
set -eu

list=$(dirname "$0")/packages.txt
policy=/usr/sbin/policy-rc.d

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The tests start an sshd of their own. Installing one for them must not open
# the machine to the network: no service is started meanwhile, and the one of
# openssh-server is disabled.
forbid_services() {
	[ ! -e "$policy" ] || return 0 # somebody else's policy, as in containers
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
	trap 'as_root rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
}

disable_sshd() {
	if command -v systemctl >/dev/null; then
		for unit in ssh.service ssh.socket; do
			as_root systemctl disable "$unit" || : # one of them is in use, which one differs
		done
	else
		as_root update-rc.d ssh disable
	fi
	echo "packages: the tests run an sshd of their own: the system's ssh service stays disabled"
}

missing=
packages=$(sed 's/#.*//' "$list")
for package in $packages; do
	installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "packages: installing$missing"
forbid_services
as_root apt-get update -q
# shellcheck disable=SC2086 # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
case " $missing " in
*" openssh-server "*) disable_sshd ;;
esac
