# Layers come in groups of words: the name of a new layer and of what is below it, or -,
# and an empty qcow2 image in three pieces, as printf takes them, with where the
# second one is. The third is a cluster later.

# shellcheck disable=SC2317 # by each_layer
make_layer() { # two processes; qemu-img, which makes the same, costs five times as much
	command : >"disk/$1" && append "disk/$1" "$3" && truncate -s "$4" "disk/$1" && append "disk/$1" "$5" &&
		truncate -s $(($4 + 65536)) "disk/$1" && append "disk/$1" "$6"
}
drop_layer() { rm -f "disk/$1"; }
note_layer() { fresh="${fresh:-disk} disk/$1"; } # $fresh is what is to be synced

make_disk() { # OBJECT LAYER IMAGE IMAGE_JSON: in its directory disk/ that layer, in six words, above a link to the image, if there is one, which has that image.json
	into=$1 image=$3 known=$4
	# shellcheck disable=SC2086 # words of ours
	set -- $2
	if [ "$image" ]; then
		[ -d "$image" ] || fail $NOT_FOUND "there is no ${image#images/} among the images"
		[ -e "$into/disk/$2" ] || ln "$image/data" "$into/disk/$2" || fail $FAILED "$image cannot be shared" # another disk there may have it
		# Another one may have got its name meanwhile.
		[ "$(cat "$image/image.json")" = "$known" ] || fail $CHANGED "$image is not what it was when it was read"
	fi
	(cd "$into" && make_layer "$@" && sync "disk/$1") || fail $FAILED "cannot make a disk layer"
}

append() { # FILE ESCAPED: the shell does not say why it cannot, so then cat is to
	printf %b "$2" 2>/dev/null >>"$1" || printf %b "$2" | cat >>"$1"
}

each_layer() { # COUNT COMMAND WORD…: runs it with each group of so many words
	group=$1 task=$2
	shift 2
	while [ $# -ge "$group" ]; do
		"$task" "$@" || return
		shift "$group"
	done
}

each_line() { # COMMAND LINES: runs it with each line
	lines=$2
	while [ "$lines" ]; do
		case $lines in
		*"$NEWLINE"*) one=${lines%%"$NEWLINE"*} lines=${lines#*"$NEWLINE"} ;;
		*) one=$lines lines='' ;;
		esac
		"$1" "$one" || return
	done
}
