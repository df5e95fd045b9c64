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

# Locks: the lock is on an inode, so once it is held the path must still be it.
# What it says is for people.

lock() { # DIR [-s]: until the script ends, DIR is ours, and nothing in it is half done
	hold "$@"
	[ "${2:-}" = -s ] || sweep "$1"
	[ -d "$1/rollback" ] || return 0
	take "$1" -x
	(cd "$1" && finish_rollback) || exit
}

hold() { # DIR [-s]: the lock alone
	[ -d "$1" ] || fail $NOT_FOUND "no directory $1"
	genuine "$1"
	command exec 9>>"$1/lock" || {
		[ ! -d "$1" ] || fail $FAILED "cannot open $1/lock"
		fail $NOT_FOUND "no directory $1"
	}
	take "$1" "${2:--x}"
	[ "$1/lock" -ef /proc/self/fd/9 ] || fail $CHANGED "it was removed meanwhile"
	printf '%s %s %s\n' "$$" "${LOGNAME:-somebody}" "${SSH_CONNECTION%% *}" 2>/dev/null >"$1/lock" || : # without space, too
}

take() { # DIR FLAG: waits for the lock that is open
	flock "$2" -w "$LOCK_SECONDS" 9 && return
	[ $? -eq 1 ] || fail $FAILED "$1 cannot be locked"
	fail $BUSY "$(holder "$1/lock") has held its lock for more than $LOCK_SECONDS s"
}

holder() { # LOCK: whoever took it last
	read -r its_pid its_user its_address <"$1" && [ -d "/proc/$its_pid" ] || {
		echo 'another process'
		return
	}
	echo "process $its_pid of $its_user${its_address:+, who is logged in from $its_address,}"
}

unchanged() { # FILE TEXT: fails unless FILE still holds TEXT
	[ "$(cat "$1" 2>/dev/null)" = "$2" ] || fail $CHANGED "$1 is not what it was when it was read"
}
