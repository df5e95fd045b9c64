# Takes an instance back to what it was in a snapshot, by links to what that has,
# and a copy of its firmware's variables: they are made in a directory beside the instance's, which one rename makes its
# rollback/. $1 data directory, $2 instance, $3 its uid, $4 its instance.json as
# it was read, $5 as it becomes, $6 the snapshot, $7 its snapshot.json as it was
# read, $8 its layers, $9 its boot files, ${10} the files of its checkpoint.
enter "$1"
object=$2 uid=$3 was=$4 becoming=$5 snapshot=$6 known=$7 layers=$8 boot=$9 checkpoint=${10}
lock "$object"
genuine "$snapshot"
unchanged "$object/instance.json" "$was"

# shellcheck disable=SC2086 # lists of names of ours
{
	stage "$object" ${layers:+disk} ${boot:+boot} ${checkpoint:+checkpoint}
	[ -z "$layers" ] || give "$snapshot/disk" disk $layers
	[ -z "$boot" ] || give "$snapshot/boot" boot $boot
	give_variables "$snapshot"
	[ -z "$checkpoint" ] || give "$snapshot/checkpoint" checkpoint $checkpoint
}
# Another one may have had its name while it was linked.
[ "$(cat "$snapshot/snapshot.json" 2>/dev/null)" = "$known" ] || unstage $CHANGED "$snapshot is not what it was when it was read"
write "$staged/uid" "$uid" || unstage $FAILED "cannot write the instance's directory"

commit "$object/rollback" instance.json "$becoming"
(cd "$object" && finish_rollback) || exit
