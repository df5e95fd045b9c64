# Others may put anything anywhere in a data directory. What stands in the place
# of a file or a directory of ours and is none may lead out of it, or hang who
# opens it: it is not touched, and nothing is done with the object that has it.

STRANGE='is not what belongs there, but a link or something else that somebody has put in its place: remove it by hand'

is() { # TEST PATH: it is of that kind, and no link to one, or there is nothing, whoever makes or removes it meanwhile
	[ ! -L "$2" ] && { [ ! -e "$2" ] || test "$1" "$2" || [ ! -e "$2" ]; }
}

genuine() { # OBJECT: fails where something else stands for a part of it
	for part in "${1%/*}" "$1" "$1/run" "$1/disk" "$1/boot" "$1/checkpoint" "$1/rollback" \
		"$1/rollback/disk" "$1/rollback/boot" "$1/rollback/checkpoint"; do
		is -d "$part" || fail $INVALID "$part $STRANGE"
	done
	for part in "$1/lock" "$1/maker" "$1/instance.json" "$1/snapshot.json" "$1/image.json" "$1/volume.json" "$1/network.json" "$1/data" "$1/leases" \
		"$1"/run/dnsmasq.* "$1"/run/control.* "$1"/run/receiver.* "$1"/run/passt.* "$1"/run/agent.* "$1/run/console.log" "$1/run/device-state" \
		"$1"/disk/*.qcow2 "$1"/disk/*.raw "$1"/boot/* \
		"$1"/checkpoint/* "$1/rollback/uid" "$1/rollback/instance.json" "$1"/rollback/*/*; do
		case $part in
		*/run/*.in | */run/agent.out) is -p "$part" ;;
		*) is -f "$part" ;;
		esac || fail $INVALID "$part $STRANGE"
	done
}
