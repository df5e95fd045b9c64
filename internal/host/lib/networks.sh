# A network is the host's: to make one takes what root may, or of that these
# capabilities (bits of capability.h), as pam_cap gives them to a login: NET_ADMIN for
# its bridge, its rules and its taps, and with NET_BIND_SERVICE, for ports 53 and 67,
# for its dnsmasq, which is the login's. (Linux before 5.7 wants NET_RAW for that, too.)
# Whoever is not root has the names of guests where dnsmasq may read them anyhow.

empowered() { # fails unless the login may make networks
	[ "$LOGIN" != 0 ] || return 0
	missing=''
	for capability in 12:CAP_NET_ADMIN 10:CAP_NET_BIND_SERVICE; do
		[ $((0x$POWERS >> ${capability%%:*} & 1)) = 1 ] || missing="$missing ${capability#*:}"
	done
	[ -z "$missing" ] || fail $UNFIT "a network needs a login that is root, or has the capabilities for its bridge, its rules and its dnsmasq, and the login is $(id -un) without$missing: give it those (pam_cap, /etc/security/capability.conf), use a bridge that the host has, or another login"
}

names_of() { # NETWORK UID: sets $names, the directory of a file for each guest, which is an argument of dnsmasq, and has the uid
	names=$1/run/names-$2
	[ "$LOGIN" != 0 ] || names=/run/terraform-kvm/$2 # dnsmasq gives up what root may, and may not read in $1
}

lower() { # UID: in a network's directory: removes all that it has on the host
	empowered
	case $1 in '' | *[!0-9a-f-]*) fail $INVALID "$1 is not a network's uid" ;; esac
	end dnsmasq "$1"
	bridge=kvmnet${1%%-*}
	remove_taps "$bridge"
	nft delete table inet "$bridge" 2>/dev/null
	ip link del dev "$bridge" 2>/dev/null
	names_of "$PWD" "$1"
	rm -rf "$names"
	! ip link show dev "$bridge" >/dev/null 2>&1 || fail $FAILED "its bridge $bridge cannot be removed"
	! nft list table inet "$bridge" >/dev/null 2>&1 || fail $FAILED "its rules, table inet $bridge, cannot be removed"
}

remove_taps() { # BRIDGE: those that were made for guests of who is not root (see bridge.sh), none of which has one
	[ "$LOGIN" != 0 ] || return 0
	ip -o link show master "$1" type tun 2>/dev/null | sed -n 's/^[0-9]*: \(kvm[0-9a-f]*-[0-9a-f]*\): .*NO-CARRIER.*/\1/p' | while read -r tap; do
		ip link del dev "$tap"
	done
}
