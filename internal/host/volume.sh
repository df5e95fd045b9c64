# Makes a volume. $1 data directory, $2 object, $3 its volume.json, $4 its top
# layer, $5 its size in bytes; $6 its image or nothing, $7 that image's name as a
# layer, $8 its format, $9 the image.json as it was read.
settle "$1"
object=$2 becoming=$3 top=$4 size=$5 image=$6 below=$7 format=$8 known=$9
absent "$object"
[ -z "$image" ] || genuine "$image"
stage "$object"
mkdir "$staged/disk" || unstage $FAILED "cannot make $object"
set -- -q -u -f qcow2
if [ "$image" ]; then
	[ -d "$image" ] || unstage $NOT_FOUND "there is no ${image#images/} among the images"
	ln "$image/data" "$staged/disk/$below" || unstage $FAILED "$image cannot be shared"
	# Another one may have got its name meanwhile.
	[ "$(cat "$image/image.json")" = "$known" ] || unstage $CHANGED "$image is not what it was when it was read"
	set -- "$@" -b "$below" -F "$format"
fi
qemu-img create "$@" "$staged/disk/$top" "$size" && sync "$staged/disk/$top" || unstage $FAILED "cannot make a disk layer"
commit "$object" volume.json "$becoming"
