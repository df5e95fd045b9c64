# Takes a disk from an instance; what it has of its own is removed. Needs disks.sh. $1 data directory, $2 instance,
# $3 its uid, $4 its instance.json as it was read, $5 as it becomes, $6 running or
# stopped, $7 the volume, or nothing, $8 its layers; then the QMP line that takes the medium
# out, the two that put it back, the one that removes the drive, and the one that
# closes the files.
enter "$1"
object=$2 uid=$3 was=$4 becomes=$5 mode=$6 volume=$7 layers=$8
take=$9 insert=${10} shut=${11} drop=${12} close=${13}
lock "$object"
unchanged "$object/instance.json" "$was"
[ -z "$volume" ] || [ ! -d "$volume" ] || hold_volume "$volume"
cd "$object" || exit
in_mode
if [ "$live" ]; then
	put run/pending "${layers%% *}
with $insert
with $shut
without $drop
without $close" || fail $FAILED "cannot write to run/"
	tries=10 # a guest that is just about to close it
	until tell "$take"; do
		case $said in
		*'is locked'*)
			tries=$((tries - 1))
			[ "$tries" -gt 0 ] && sleep 0.5 && continue
			rm -f run/pending
			fail $INVALID "its guest has the disk open: unmount it there, or deactivate what uses it, and apply again"
			;;
		*'has no medium'* | *'DeviceNotFound'*) break ;; # it is half done
		esac
		reason=$said
		finish_pending
		fail $FAILED "$reason"
	done
fi
put instance.json "$becomes" || {
	restore instance.json "$was"
	[ -z "$live" ] || finish_pending
	fail $FAILED "cannot write its metadata"
}
if [ "$live" ]; then
	finish_pending || case $said in
	*'Failed to find node'*) ;;
	*) fail $FAILED "QEMU does not close the disk: $said" ;;
	esac
fi
unlink_layers "$becomes"
