# Makes a disk larger: a volume, one that an instance has, or one of its own. Needs
# disks.sh. $1 data directory; of the volume, or nothing, $2 object, $3 its
# volume.json as it was read, $4 as it becomes; $5 the disk's top layer, $6 its size
# in bytes; of the instance, or nothing, $7 object, $8 uid, $9 instance.json as it
# was read, ${10} as it becomes, ${11} running or stopped, and ${12} the QMP line
# that resizes the disk of a guest that runs.
enter "$1"
volume=$2 known=$3 grown=$4 top=$5 size=$6 object=$7 uid=$8 was=$9
becomes=${10} mode=${11} line=${12} live=''
[ -z "$object" ] || lock "$object"
[ -z "$object" ] || unchanged "$object/instance.json" "$was"
[ -z "$volume" ] || hold_volume "$volume"
[ -z "$volume" ] || unchanged "$volume/volume.json" "$known"
[ "$object" ] || (free "$volume" "$top" '') || fail $CHANGED "it was attached meanwhile"
data_dir=$PWD
cd "${object:-$volume}" || exit
[ -z "$object" ] || in_mode

grow() {
	if [ "$live" ]; then
		tell "$line"
	elif [ "$volume" ] || [ "$(stat -c %h "disk/$top")" -eq 1 ]; then # else others have it: the next layer gets the size
		qemu-img resize -q -f qcow2 "disk/$top" "$size" && sync "disk/$top"
	fi || fail $FAILED "cannot resize it${live:+: $said}"
}

# Of a volume, which gets no layers above, that is larger than its metadata says
# nothing is lost. A disk of the instance's own would be cut off some day.
if [ "$volume" ]; then
	grow
	[ -z "$object" ] || put instance.json "$becomes" || fail $FAILED "cannot write the metadata of $object"
	put "$data_dir/$volume/volume.json" "$grown" || fail $FAILED "cannot write its metadata"
else
	mkdir -p run && put run/growing "$top $size
$line" && put instance.json "$becomes" && (grow) || {
		restore instance.json "$was"
		rm -f run/growing
		fail $FAILED "it has the size that it had"
	}
	rm -f run/growing
fi
