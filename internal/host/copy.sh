# Makes a snapshot or a fork, from links to what its source has. A source that
# runs is captured live. Needs capture.sh.
# $1 data directory, $2 source, $3 its uid, $4 its metadata, $5 that as it was
# read, $6 how it was found (running, standby, stopped), $7 its layers;
# $8 object to be made, $9 its metadata, ${10} that as it will be, ${11} its
# host ports; ${12} a cloud-init seed of its own or nothing, and ${13} its size, as
# plant takes them. For a running source then come machine, patience, downtime,
# becomes, above, adds, switch, drops, adds_below and switches_below as in
# capture.sh, and user, QEMU and arguments of a receiver.
enter "$1"
source=$2 uid=$3 source_metadata=$4 was=$5 mode=$6 layers=$7
object=$8 metadata=$9 becoming=${10} ports=${11} seed=${12} seed_size=${13}
shift 13

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
	machine=$1 patience=$2 downtime=$3 becomes=$4 above=$5 adds=$6 switch=$7 drops=$8 adds_below=$9 switches_below=${10}
	shift 10
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
has='kernel initrd firmware seed.iso' boot=''
[ -z "$seed" ] || has='kernel initrd firmware'
for file in $has; do
	[ ! -e "$source/boot/$file" ] || boot="$boot $file"
done
# shellcheck disable=SC2086 # lists of names of ours
{
	stage "$object" ${layers:+disk} ${boot:+boot} ${checkpoint:+checkpoint}
	[ -z "$layers" ] || give "$source/disk" disk $layers
	[ -z "$boot" ] || give "$source/boot" boot $boot
	give_variables "$source"
	[ -z "$seed" ] || { mkdir -p "$staged/boot" && plant "$staged/boot/seed.iso" "$seed" "$seed_size"; } || unstage $FAILED "cannot write its cloud-init seed"
	[ -z "$checkpoint" ] || give "$source/$checkpoint" checkpoint memory device-state machine.json
	[ "$mode" = standby ] || [ -z "$layers" ] || (cd "$staged/disk" && sync $layers) || unstage $FAILED "cannot write the disk of $source"
}
# shellcheck disable=SC2086 # a list of numbers
commit "$object" "$metadata" "$becoming" $ports
[ "$metadata" != snapshot.json ] || find "$object" -mindepth 2 -type f -exec stat -c '%h %b %s %n' {} +
