# Makes a network, or makes of it what it is to be, and brings it up: a bridge, on
# which the host has the first address; a table of rules by which guests reach
# what they may; a dnsmasq, which gives them addresses and knows them by name.
# What is there stays, above all the bridge, on which guests are.
# $1 data directory, $2 network, $3 its network.json as it was read, or nothing of
# a new one, $4 that as it becomes, $5 its uid, $6 the host's address in it, $7
# the length of its prefix, $8 its addresses, $9 yes if guests reach what the host
# reaches, ${10} and ${11} the first and the last address that is given out, ${12}
# its domain.
settle "$1"
object=$2 was=$3 becoming=$4 uid=$5 gateway=$6 length=$7 cidr=$8 nat=$9 first=${10} last=${11} domain=${12}
bridge=kvmnet${uid%%-*}
names_of "$PWD/$object" "$uid"
empowered
for command in ip nft dnsmasq; do
	command -v "$command" >/dev/null || fail $UNFIT "the command $command is missing (Debian: apt-get install iproute2 nftables dnsmasq-base)"
done

apart() { # fails where the host reaches one of the addresses elsewhere
	others=$({ ip -4 -o route show root "$cidr" && ip -4 -o route show match "$cidr"; } 2>/dev/null | grep -v -e '^default' -e " dev $bridge ")
	[ -z "$others" ] || fail $INVALID "$cidr overlaps with ${others%% *}, which the host reaches already: choose another cidr"
}

raise_bridge() {
	[ "$(ip -o link show dev "$bridge" type bridge 2>/dev/null)" ] || ip link add name "$bridge" type bridge || return
	ip link set dev "$bridge" alias "terraform-kvm $object" || return
	if [ -d "/proc/sys/net/ipv6/conf/$bridge" ]; then # no way past the rules for IPv4
		echo 1 >"/proc/sys/net/ipv6/conf/$bridge/disable_ipv6" || return
	fi
	ip addr replace "$gateway/$length" dev "$bridge" || return
	ip -4 -o addr show dev "$bridge" | while read -r _ _ _ address _; do
		[ "$address" = "$gateway/$length" ] || ip addr del "$address" dev "$bridge" || exit
	done || return
	ip link set dev "$bridge" up || return
	# Guests that were on a bridge that somebody has removed.
	ip -o link show type tun | sed -n "s/^[0-9]*: \\([^:]*\\): .*alias terraform-kvm [^ ]* [^ ]* on $bridge.*/\\1/p" | while read -r tap; do
		ip link set dev "$tap" master "$bridge" up || exit
	done
}

raise_rules() { # all at once
	out="iifname $bridge drop" masquerade=''
	if [ "$nat" ]; then
		# Others' traffic is let through from then on, too; it is not taken back, for
		# something else may have come to need it.
		[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || echo 1 >/proc/sys/net/ipv4/ip_forward || return
		out="iifname $bridge oifname \"kvmnet*\" drop"
		masquerade="ip saddr $cidr oifname != $bridge masquerade"
	fi
	nft -f - <<EOF
add table inet $bridge
delete table inet $bridge
table inet $bridge {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname $bridge ct state established,related accept
		iifname $bridge udp dport 67 accept
		iifname $bridge ip daddr $gateway meta l4proto { tcp, udp } th dport 53 accept
		iifname $bridge ip daddr $gateway icmp type echo-request accept
		iifname $bridge drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname $bridge oifname $bridge accept
		oifname $bridge ct state established,related accept
		oifname $bridge drop
		iifname $bridge ip saddr != $cidr drop
		$out
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		$masquerade
	}
}
EOF
}

# Who is whom it learns from a file for each guest, which start.sh writes: they are
# where it may read them when it has given up its privileges. A fork has the
# client identifier of its source; addresses go by MAC address.
of_dnsmasq() { # COMMAND: runs it with what dnsmasq is
	set -- "$1" dnsmasq --keep-in-foreground --conf-file= --user=nobody --log-facility=- --pid-file= \
		--interface="$bridge" --except-interface=lo --bind-interfaces --no-hosts --domain-needed --bogus-priv \
		--dhcp-authoritative --dhcp-ignore-clid --no-ping --dhcp-range="$first,$last,1h" \
		--dhcp-leasefile="$PWD/leases" --dhcp-hostsdir="$names" --domain="$domain" --local="/$domain/" \
		--host-record="gateway,gateway.$domain,$gateway"
	[ "$nat" ] || set -- "$@" --no-resolv --dhcp-option=option:router
	"$@"
}

# It is started last, and ended first when anything changes that it, the bridge or
# the rules are told: a network of which it is alive is what its metadata says, and
# one whose change was killed is down until it is changed again.
serves() { alive dnsmasq "$uid" && [ "$(cat run/dnsmasq.args 2>/dev/null)" = "$cidr $*" ]; }
cease() { serves "$@" || end dnsmasq "$uid"; }

serve() {
	! serves "$@" || return 0
	end dnsmasq "$uid"
	mkdir -p run "$names" && { [ "$LOGIN" != 0 ] || chmod 0755 "${names%/*}" "$names"; } && rm -f run/dnsmasq.log && write run/dnsmasq.args "$cidr $*" || return
	(
		proc_stat self
		read -r self _ </proc/self/stat
		write run/dnsmasq.pid "$self $proc_start $BOOT_ID $MACHINE_ID" || exit
		exec setsid "$@" </dev/null >run/dnsmasq.log 2>&1 6>&- 9>&-
	) &
	served=$!
	tenths=50
	until grep -q 'started, version' run/dnsmasq.log 2>/dev/null; do
		[ "$tenths" -gt 0 ] && running "$served" || return
		tenths=$((tenths - 1))
		sleep 0.1
	done
	gone "$served" 2 || return 0
	return 1
}

raise() {
	said=$(raise_bridge 2>&1) || fail $FAILED "its bridge $bridge cannot be made: $said"
	said=$(raise_rules 2>&1) || fail $FAILED "its rules cannot be made: $said"
	of_dnsmasq serve || {
		tail -n 5 run/dnsmasq.log >&2
		fail $FAILED "dnsmasq does not start"
	}
}

apart
if [ -z "$was" ]; then
	[ -d networks ] || { mkdir -p networks && sync .; } || fail $FAILED "cannot make networks"
	absent "$object"
	stage "$object"
	commit "$object" network.json "$becoming"
	(cd "$object" && raise) || { status=$?; (cd "$object" && lower "$uid"); remove "$object"; exit $status; }
else
	lock "$object"
	cd "$object" || exit
	unchanged network.json "$was"
	of_dnsmasq cease
	put network.json "$becoming" || fail $FAILED "cannot write its metadata"
	raise
fi
