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
