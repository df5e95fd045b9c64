# What making, attaching and detaching a disk share.

make_disk() { # DIR TOP SIZE IMAGE BELOW IMAGE_JSON: its top layer in DIR, of so many bytes, above a link to the image, if there is one, by that name (another disk in DIR may have it, too), which has that image.json
	into=$1 top=$2 size=$3 image=$4 below=$5 known=$6
	set -- -q -u -f qcow2
	if [ "$image" ]; then
		[ -d "$image" ] || fail $NOT_FOUND "there is no ${image#images/} among the images"
		[ -e "$into/$below" ] || ln "$image/data" "$into/$below" || fail $FAILED "$image cannot be shared"
		# Another one may have got its name meanwhile.
		[ "$(cat "$image/image.json")" = "$known" ] || fail $CHANGED "$image is not what it was when it was read"
		set -- "$@" -b "$below" -F "${below##*.}"
	fi
	qemu-img create "$@" "$into/$top" "$size" && sync "$into/$top" || fail $FAILED "cannot make a disk layer"
}

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
