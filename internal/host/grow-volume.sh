# Makes a volume larger. $1 data directory, $2 volume, $3 its volume.json as it
# was read, $4 as it becomes, $5 its top layer, $6 its size in bytes; of the
# instance that has it $7 object, $8 uid, $9 instance.json as it was read, ${10} as
# it becomes, and ${11} the QMP line that resizes the disk of a running guest; or
# nothing. Needs disks.sh.
enter "$1"
volume=$2 known=$3 grown=$4 top=$5 size=$6 object=$7 uid=$8 was=$9
becomes=${10} line=${11}
[ -z "$object" ] || lock "$object"
[ -z "$object" ] || unchanged "$object/instance.json" "$was"
hold_volume "$volume"
unchanged "$volume/volume.json" "$known"
[ "$object" ] || (free "$volume" "$top" '') || fail $CHANGED "it was attached meanwhile"
data_dir=$PWD mode=stopped
if [ "$object" ]; then
	[ -z "$line" ] || mode=running
	cd "$object" || exit
	in_mode
fi
# First the disk: one that is larger than its metadata says is no harm.
if [ "$line" ]; then
	tell "$line" || fail $FAILED "$said"
else
	qemu-img resize -q -f qcow2 "$data_dir/$volume/disk/$top" "$size" && sync "$data_dir/$volume/disk/$top" || fail $FAILED "cannot resize it"
fi
[ -z "$object" ] || put instance.json "$becomes" || fail $FAILED "cannot write the metadata of $object"
put "$data_dir/$volume/volume.json" "$grown" || fail $FAILED "cannot write its metadata"
