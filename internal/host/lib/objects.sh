# What was made is known to nobody until whoever had it made has heard of it, and
# said so. Until then OBJECT/maker names the process that the host has for their
# connection, by its pid, start time, boot and machine, and the uid. When that is
# gone, nobody ever will: the object makes room for another of its name.

maker() { # OBJECT: fails if it is known; sets $maker to whoever has yet to hear of it, or to nothing when they are gone
	[ -f "$1/maker" ] && [ ! -L "$1/maker" ] &&
		read -r maker its_start its_boot its_machine its_uid <"$1/maker" && is_number "$maker" && [ "$its_uid" ] || return 1
	[ "$its_machine" = "$MACHINE_ID" ] || return 0
	lives "$maker" "$its_start" "$its_boot" || maker=''
}

absent() { # OBJECT: fails if there is anything of its name, and waits for whoever is making it
	seconds=$LOCK_SECONDS
	while [ -e "$1" ] || [ -L "$1" ]; do
		maker "$1" || fail $EXISTS "$1 is there already"
		if [ -z "$maker" ]; then
			(make_room "$1") || case $? in
			"$NOT_FOUND" | "$CHANGED") ;; # somebody else was faster
			*) exit ;;
			esac
		elif [ "$seconds" -gt 0 ]; then
			seconds=$((seconds - 1))
			sleep 1
		else
			fail $BUSY "$1 is being made by somebody else, for whose connection the host has process $maker"
		fi
	done
}

make_room() { # OBJECT: deletes it, if it is known to nobody
	hold "$1"
	! maker "$1" || [ "$maker" ] || destroy "$1" "$its_uid"
}

destroy() { # OBJECT UID: with its processes and its ports
	(cd "$1" && end control "$2" && end receiver "$2") || exit
	case $1 in
	instances/*)
		for claim in ports/*; do # not every find knows -lname
			[ ! "$claim" -ef "$1" ] || rm -f "$claim"
		done
		sync ports || fail $FAILED "cannot release its ports"
		;;
	volumes/*) free "$1" "$(sed -n 's/.*"layers":\[{"file":"\([0-9a-f]*\.qcow2\)".*/\1/p' "$1/volume.json")" '' ;;
	networks/*) (cd "$1" && lower "$2") || exit ;;
	esac
	remove "$1"
}

free() { # VOLUME TOP INSTANCE: fails where another instance has the volume, of which this is the top layer
	[ "$2" ] || return 0
	for link in instances/*/disk/"$2"; do
		[ -e "$link" ] && [ "$link" != "$3/disk/$2" ] || continue
		holder=${link%/disk/*}
		case $(cat "$holder/instance.json" 2>/dev/null) in
		*"\"$2\""*) fail $ATTACHED "$1 is attached to instance ${holder#*/}; detach it there first" ;;
		*'"uid":"'*) rm -f "$link" ;; # of an attachment that was killed, for which the lock of the volume was held
		*) fail $ATTACHED "$1 is attached to instance ${holder#*/}, whose metadata cannot be read" ;;
		esac
	done
}

stage() { # OBJECT [PART…]: makes $staged, in which it is prepared, with directories for its parts
	staged=${1%/*}/.tmp-$$-${1##*/} staging=$1
	vacate "$staged"
	shift
	for part; do
		shift
		set -- "$@" "$staged/$part"
	done
	mkdir "$staged" "$@" || unstage $FAILED "cannot make $staging"
	# The object is locked from its first moment on.
	command exec 6>>"$staged/lock" || unstage $FAILED "cannot make $staging"
	flock 6
}

unstage() { # STATUS MESSAGE: gives up what was staged, and fails
	rm -rf "$staged"
	fail "$@"
}

or_unstage() { # COMMAND…: does it, or gives up what was staged, and fails as it does
	("$@") || {
		status=$?
		rm -rf "$staged"
		exit $status
	}
}

give() { # FROM PART FILE…: links to files of another object, in a part of what is staged
	from=$1 to=$staged/$2
	shift 2
	for file; do
		shift
		set -- "$@" "$from/$file"
	done
	ln "$@" "$to/" || unstage $FAILED "$from cannot be shared"
}

duplicate() { # FROM TO: a file of the login's own, whosever the other is
	cat "$1" >"$2" && sync "$2"
}

give_variables() { # FROM: a guest writes to those of its firmware, so what is staged gets its own
	[ ! -f "$1/boot/variables" ] || { mkdir -p "$staged/boot" && duplicate "$1/boot/variables" "$staged/boot/variables"; } ||
		unstage $FAILED "the firmware's variables of $1 cannot be copied"
}

commit() { # OBJECT METADATA TEXT [PORT…]: what is staged becomes it, unless there is one, and takes host ports
	new_uid=${3#*'"uid":"'} # it stands before all that users may put there
	proc_stat "$PPID" || proc_start=gone
	write "$staged/maker" "$PPID $proc_start $BOOT_ID $MACHINE_ID ${new_uid%%'"'*}" && write "$staged/$2" "$3" &&
		sync "$staged"/* "$staged" || unstage $FAILED "cannot write $1"
	until mv -T "$staged" "$1"; do # somebody was faster, of whom it may come out that they are gone
		[ -d "$1" ] || unstage $FAILED "cannot make $1"
		or_unstage absent "$1"
	done
	committed=$1
	shift 3
	[ $# -eq 0 ] || (claim "${committed##*/}" "$@") || uncommit $? "$@"
	sync "${committed%/*}" ${1:+ports} || {
		echo "cannot write $committed" >&2
		uncommit $FAILED "$@"
	}
}

uncommit() { # STATUS PORT…: removes what was committed, and fails
	status=$1
	shift
	[ $# -eq 0 ] || release "${committed##*/}" "$@"
	remove "$committed"
	exit "$status"
}

# A rollback is committed when rollback/ is there, with all that the instance is
# to have instead. That is then linked into its place, in steps that can be done
# again: whoever locks the instance after a shell that died there does them all.
# The end is that rollback/instance.json is gone.

finish_rollback() { # in the directory of an instance that is locked
	if [ -f rollback/instance.json ]; then
		read -r owner <rollback/uid
		end control "$owner"
		end receiver "$owner"
		[ ! -f run/console.log ] || : >run/console.log # it is of another life
		for part in disk boot checkpoint; do
			rm -rf "$part" "$part.tmp"
			[ -d "rollback/$part" ] || continue
			mkdir "$part.tmp" && ln "rollback/$part"/* "$part.tmp/" && sync "$part.tmp" && mv -T "$part.tmp" "$part" ||
				fail $FAILED "cannot put $part into its place"
		done
		put instance.json "$(cat rollback/instance.json)" && rm rollback/instance.json && sync rollback ||
			fail $FAILED "cannot write to the instance's directory"
	fi
	rm -rf rollback
}
