# Makes a snapshot or a fork, from links to what its source has. A source that
# runs is captured live. Needs capture.sh.
# $1 data directory, $2 source, $3 its uid, $4 its metadata, $5 that as it was
# read, $6 how it was found (running, standby, stopped), $7 its layers;
# $8 object to be made, $9 its metadata, ${10} that as it will be, ${11} its
# host ports. For a running source then come machine, patience, downtime,
# becomes, top, below, format, size, add, switch, drop, beneath, add_below and
# switch_below as in capture.sh, and user, QEMU and arguments of a receiver.
enter "$1"
source=$2 uid=$3 source_metadata=$4 was=$5 mode=$6 layers=$7
object=$8 metadata=$9 becoming=${10} ports=${11}
shift 11

absent "$object"
case $mode in
running) lock "$source" ;;
*) lock "$source" -s ;;
esac

data_dir=$PWD
cd "$source" || exit
unchanged "$source_metadata" "$was"
case $mode in
running)
	runs control "$uid" || fail $CHANGED "it does not run"
	machine=$1 patience=$2 downtime=$3 becomes=$4 top=$5 below=$6 format=$7 size=$8 add=$9 switch=${10} drop=${11}
	beneath=${12} add_below=${13} switch_below=${14}
	shift 14
	afterwards=on
	capture "$@"
	disarm
	checkpoint=checkpoint.tmp
	trap 'rm -rf "$data_dir/$source/checkpoint.tmp"' EXIT
	;;
standby)
	! runs control "$uid" && [ -d checkpoint ] || fail $CHANGED "it is not in standby"
	checkpoint=checkpoint
	;;
stopped)
	! runs control "$uid" && [ ! -d checkpoint ] || fail $CHANGED "it is not stopped"
	checkpoint=''
	;;
esac
cd "$data_dir" || exit
stage "$object"

boot=$(cd "$source/boot" 2>/dev/null && ls kernel initrd firmware 2>/dev/null)
# shellcheck disable=SC2086 # lists of names of ours
{
	[ -z "$layers" ] || give "$source/disk" disk $layers
	[ -z "$boot" ] || give "$source/boot" boot $boot
	give_variables "$source"
	[ -z "$checkpoint" ] || give "$source/$checkpoint" checkpoint memory device-state machine.json
	[ "$mode" = standby ] || [ -z "$layers" ] || (cd "$staged/disk" && sync $layers) || unstage $FAILED "cannot write the disk of $source"
}
commit "$object" "$metadata" "$becoming"
# shellcheck disable=SC2086
[ -z "$ports" ] || (claim "${object##*/}" $ports) || { status=$?; release "${object##*/}" $ports; remove "$object"; exit $status; }
[ "$metadata" != snapshot.json ] || find "$object" -mindepth 2 -type f -exec stat -c '%h %b %s %n' {} +
