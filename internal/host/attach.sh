# Gives a disk to an instance: a volume, to whose layers it gets links, or one that
# is made here. Needs disks.sh. $1 data directory, $2 instance, $3 its uid, $4 its
# instance.json as it was read, $5 as it becomes, $6 running or stopped, $7 the
# volume, or nothing, $8 its volume.json as it was read, $9 the layers, the top
# first, ${10} the user whom QEMU becomes, or nothing; then the QMP lines that open
# it, give it to the guest, take it from there and close it; ${15} the
# layer of a disk that is to be made, ${16} the image below it or nothing, and ${17}
# that one's image.json, as make_disk takes them.
enter "$1"
object=$2 uid=$3 was=$4 becomes=$5 mode=$6 volume=$7 known=$8 layers=$9
user=${10} open=${11} give=${12} drop=${13} close=${14}
new_layer=${15} image=${16} image_json=${17}
lock "$object"
unchanged "$object/instance.json" "$was"
if [ "$volume" ]; then
	hold_volume "$volume"
	unchanged "$volume/volume.json" "$known"
	free "$volume" "${layers%% *}" "$object"
fi
[ -z "$image" ] || genuine "$image"
data_dir=$PWD
cd "$object" || exit
in_mode

undo() { # all is as it was
	[ -z "$live" ] || finish_pending
	unlink_layers "$was"
}

give_up() { # MESSAGE
	reason=$1
	undo
	fail $FAILED "$reason"
}

made=''
[ -d disk ] || made=yes
mkdir -p disk || fail $FAILED "cannot make its directory of disks"
[ -z "$made" ] || admit "$user"
[ "$volume" ] || (cd "$data_dir" && make_disk "$object" "$new_layer" "$image" "$image_json") || { status=$?; undo; exit $status; }
[ -z "$volume" ] || for layer in $layers; do
	[ "$data_dir/$volume/disk/$layer" -ef "disk/$layer" ] && continue
	case $was in
	*"\"$layer\""*) ;; # an image that another of its disks has, too
	*) ln -f "$data_dir/$volume/disk/$layer" disk/ || give_up "the layers of $volume cannot be shared" ;;
	esac
done
sync disk
if [ "$live" ]; then
	(admit_layers) || give_up "cannot give its layers to QEMU"
	# If this is killed, whoever talks to QEMU next finishes it.
	put run/pending "${layers%% *}
without $drop
without $close" || give_up "cannot write to run/"
	tell "$open" || give_up "$said"
	tell "$give" || give_up "$said"
fi
put instance.json "$becomes" || {
	restore instance.json "$was"
	give_up "cannot write its metadata"
}
rm -f run/pending
