# Takes an instance back to what it was in a snapshot, by links to what that has:
# they are made in a directory beside the instance's, which one rename makes its
# rollback/. $1 data directory, $2 instance, $3 its uid, $4 its instance.json as
# it was read, $5 as it becomes, $6 the snapshot, $7 its snapshot.json as it was
# read, $8 its layers, $9 its boot files, ${10} the files of its checkpoint.
enter "$1"
object=$2 uid=$3 was=$4 becoming=$5 snapshot=$6 known=$7 layers=$8 boot=$9 checkpoint=${10}
lock "$object"
unchanged "$object/instance.json" "$was"
stage "$object"

refuse() { # STATUS MESSAGE: nothing has happened yet
	rm -rf "$staged"
	fail "$1" "$2"
}

give() { # PART FILE…: links files of the snapshot
	to=$PWD/$staged/$1 from=$snapshot/$1
	shift
	mkdir "$to" && (cd "$from" && ln "$@" "$to/") && sync "$to" || refuse $FAILED "the snapshot lacks a part"
}
# shellcheck disable=SC2086 # lists of names of ours
{
	[ -z "$layers" ] || give disk $layers
	[ -z "$boot" ] || give boot $boot
	[ -z "$checkpoint" ] || give checkpoint $checkpoint
}
printf '%s\n' "$uid" >"$staged/uid"
printf '%s\n' "$becoming" >"$staged/instance.json"
# Another one may have had its name while it was linked.
[ "$(cat "$snapshot/snapshot.json" 2>/dev/null)" = "$known" ] || refuse $CHANGED "$snapshot is not what it was when it was read"

commit "$object/rollback"
(cd "$object" && finish_rollback) || exit
