# Puts a guest's network cards on bridges. Root has QEMU make a tap for each, which
# is gone with QEMU however that ends. Anybody else needs taps on the bridge that
# the host's administrator has prepared for them, of which a free one is taken, or
# the capability to have them made, for a network.
# $links are words of a tap, a bridge or @ and a network, the tap's address, the
# guest's, and the card's key, with slashes between them. start.sh, to which
# this belongs, runs in the instance's directory.

split() { # LINK: sets $tap, $bridge, $address, $mac and $card
	IFS=/ read -r tap bridge address mac card <<EOF
$1
EOF
}

find_bridges() { # puts bridges into the place of networks, and fails unless they are there
	command -v ip >/dev/null || fail $UNFIT "the command ip is missing (Debian: apt-get install iproute2)"
	found='' joined=''
	for link in $links; do
		split "$link"
		case $bridge in @*) join_network "${bridge#@}" ;; esac
		[ "$(ip -o link show dev "$bridge" type bridge 2>/dev/null)" ] ||
			fail $UNFIT "there is no bridge $bridge (ip link add $bridge type bridge)"
		[ "$LOGIN" != 0 ] || vanish "$tap"
		found="$found $tap/$bridge/$address/$mac/$card"
	done
	links=$found
}

vanish() { # TAP: waits until that of the process before is gone, which may take longer than the process
	tenths=50
	while [ "$tenths" -gt 0 ] && ip link show dev "$1" >/dev/null 2>&1; do
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

choose_taps() { # of those that were prepared, for who is not root; others who choose wait until QEMU has opened them
	[ "$LOGIN" != 0 ] || return 0
	exec 5<../../ports
	flock 5
	found='' renamed=''
	for link in $links; do
		split "$link"
		free=$(ip -d -o link show master "$bridge" type tun | sed -nE "s/^[0-9]*: ([^:]*): <.*NO-CARRIER.* tun type tap .* persist on user ($(id -un)|$LOGIN) .*/\1/p" |
			while read -r name; do
				case " $renamed" in *"=$name "*) ;; *) echo "$name" && break ;; esac
			done)
		case $bridge in kvmnet*) give_tap ;; esac
		[ "$free" ] || fail $UNFIT "no tap on $bridge is free for $(id -un), and only root can make one: have one prepared for each guest (ip tuntap add dev NAME mode tap user $(id -un) && ip link set dev NAME master $bridge up)"
		renamed="$renamed$tap=$free "
	done
}

# Who is not root, but may make networks, has taps made for a network of theirs as
# they are needed: they stay with it, for the next guest, until it is deleted.

give_tap() { # sets $free, unless there is one, and has the tap say whose it is
	if [ -z "$free" ]; then
		for n in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do # another guest may have one that was this one's
			free=${tap%-*}-$n
			ip link show dev "$free" >/dev/null 2>&1 || break
		done
		said=$(ip tuntap add dev "$free" mode tap user "$LOGIN" 2>&1) || fail $FAILED "no tap can be made: $said"
	fi
	said=$(ip link set dev "$free" address "$address" alias "terraform-kvm ${PWD##*/} $card on $bridge" 2>&1 &&
		ip link set dev "$free" master "$bridge" up 2>&1) || fail $FAILED "tap $free cannot be put on $bridge: $said"
}

with_tap() { # ARGUMENT: sets $argument to it, with the tap that was chosen
	argument=$1
	for name in $renamed; do
		case $argument in
		*",ifname=${name%%=*},"*) argument="${argument%%,ifname=*},ifname=${name#*=},${argument#*,ifname="${name%%=*}",}" ;;
		esac
	done
}

attach() { # once QEMU has its taps, or sets $said
	[ "$LOGIN" = 0 ] || return 0
	for link in $links; do
		split "$link"
		said=$(ip link set dev "$tap" address "$address" alias "terraform-kvm ${PWD##*/} $card on $bridge" 2>&1 &&
			ip link set dev "$tap" master "$bridge" up 2>&1) || return
	done
}

# A card that has its source's address is taken away while its link is down, and
# the guest gets another one. It has to run for that; until it is over it counts as
# not started yet.

disconnect() { # of $replace, three lines for each
	tops=''
	# shellcheck disable=SC2086 # a list of names of ours
	each_layer 6 note_top $above
	write run/replacing "$tops" || { said='cannot write to run/' && return 1; }
	while IFS= read -r down && IFS= read -r _ && IFS= read -r _; do
		say control "$down"
		await 8 "$pid" 50 '"id": "set_link"' || return
	done <<EOF
$replace
EOF
}

note_top() { tops="$tops $1"; }

replace_cards() {
	while IFS= read -r _ && IFS= read -r remove && IFS= read -r add; do
		let_go "$remove" || return
		say control "$add"
		await 8 "$pid" 50 '"id": "device_add"' || return
	done <<EOF
$replace
EOF
}

let_go() { # LINE: has the guest give a card back; one that is still booting does not hear it at once
	tries=10 pace=40
	say control "$1"
	until await 8 "$pid" 20 '"event": "DEVICE_DELETED"'; do
		case $? in
		1) running "$pid" || return ;; # it was asked already
		2)
			[ "$tries" -gt 0 ] || {
				said='its guest does not let go of the network card that has the MAC address of its source, so it was not connected: does its kernel have PCI hotplug (CONFIG_HOTPLUG_PCI_ACPI)?'
				return 1
			}
			tries=$((tries - 1))
			say control "$1"
			;;
		esac
	done
	pace=
	case $said in
	*'"device": "nic'*) ;;
	*) await 8 "$pid" 40 '"device": "nic' ;; # that was a part of it
	esac
}

join_network() { # NETWORK: sets $bridge to its own, on which the guest is known by its name
	network=../../networks/$1
	[ -d "$network" ] || fail $NOT_FOUND "there is no network $1"
	empowered
	genuine "$network"
	network_uid=$(sed -n 's/^{"name":"[^"]*","uid":"\([0-9a-f-]*\)".*/\1/p' "$network/network.json")
	bridge=kvmnet${network_uid%%-*} here=$PWD
	names_of "${here%/*/*}/networks/$1" "$network_uid"
	[ -d "$names" ] && (cd "$network" && alive dnsmasq "$network_uid") && [ "$(ip -o link show dev "$bridge" type bridge 2>/dev/null)" ] ||
		fail $UNFIT "its network $1 is down, as after a reboot of the host: apply it first (terraform apply -target=kvm_network.NAME)"
	its_name=${dir##*/} outdated=''
	case " $joined " in *" $1 "*) its_name=$its_name-$(printf %s "$card" | tr _ -) ;; esac # its second card there
	joined="$joined $1"
	for entry in "$names"/*; do # of another one that had the name
		[ -f "$entry" ] && [ "${entry##*/}" != "$mac" ] && grep -q ",$its_name\$" "$entry" || continue
		rm -f "$entry"
		outdated=yes
	done
	# dnsmasq reads what is renamed into its directory, at once.
	write "$names/.$mac" "$mac,$its_name" && chmod 0644 "$names/.$mac" && mv -T "$names/.$mac" "$names/$mac" ||
		fail $FAILED "cannot write to $names"
	[ -z "$outdated" ] || (cd "$network" && alive dnsmasq "$network_uid" && kill -HUP "$pid")
}
