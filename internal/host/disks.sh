# What attaching, detaching and growing a disk share.

hold_volume() { # VOLUME: behind the lock of the instance
	[ -d "$1" ] || fail $NOT_FOUND "there is no ${1#volumes/} among the volumes"
	genuine "$1"
	command exec 4>>"$1/lock" || fail $FAILED "cannot open $1/lock"
	flock -w "$LOCK_SECONDS" 4 || fail $BUSY "somebody else is changing $1"
	[ "$1/lock" -ef /proc/self/fd/4 ] || fail $CHANGED "$1 was removed meanwhile"
}

admit_layers() { # who opens $layers, and writes the first, has become $user already
	[ "$user" ] || return 0
	for layer in $layers; do
		chmod a+r "disk/$layer" || fail $FAILED "cannot change the mode of disk/$layer"
	done
	own "$user" "disk/${layers%% *}"
}

in_mode() { # running or stopped, as the instance was seen; sets $live
	live=''
	if runs control "$uid"; then
		[ "$mode" = running ] || fail $CHANGED "it runs"
		live=yes
		listen || fail $FAILED "$said"
	else
		[ "$mode" = stopped ] && [ ! -d checkpoint ] || fail $CHANGED "it is not $mode"
	fi
}

unlink_layers() { # METADATA: removes links to the disk's layers that no disk there has
	for layer in $layers; do
		case $1 in
		*"\"$layer\""*) ;;
		*) rm -f "disk/$layer" ;;
		esac
	done
	sync disk
}
