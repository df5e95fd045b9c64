# Makes a volume. Needs disks.sh. $1 data directory, $2 object, $3 its volume.json;
# from $4 on its disk, as make_disk takes it.
settle "$1"
object=$2 becoming=$3
shift 3
absent "$object"
[ -z "$3" ] || genuine "$3"
stage "$object"
mkdir "$staged/disk" || unstage $FAILED "cannot make $object"
(make_disk "$staged/disk" "$@") || { status=$?; rm -rf "$staged"; exit $status; }
commit "$object" volume.json "$becoming"
