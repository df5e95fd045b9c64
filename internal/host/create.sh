# Makes an instance from images. $1 data directory, $2 object, $3 where it is
# staged, $4 its instance.json, $5 its host ports, $6 its image or nothing, $7
# that image's name as a layer, $8 its format, $9 the top layer or nothing,
# ${10} the disk's size in bytes, ${11} the kernel's image and ${12} the initrd's,
# or nothing.
enter "$1"
object=$2 staged=$3 becoming=$4 ports=$5 image=$6 below=$7 format=$8 top=$9
size=${10} kernel=${11} initrd=${12}
[ ! -e "$object" ] || fail $EXISTS "there is a $object already"
stage "$staged"

give() { # IMAGE FILE: a link to an image
	mkdir -p "$staged/${2%/*}"
	ln "$1/data" "$staged/$2" 2>/dev/null && return
	rm -rf "$staged"
	fail $NOT_FOUND "there is no ${1#images/} among the images"
}
[ -z "$image" ] || give "$image" "disk/$below"
[ -z "$kernel" ] || give "$kernel" boot/kernel
[ -z "$initrd" ] || give "$initrd" boot/initrd
if [ "$top" ]; then
	mkdir -p "$staged/disk"
	set -- -q -u -f qcow2
	[ -z "$image" ] || set -- "$@" -b "$below" -F "$format"
	qemu-img create "$@" "$staged/disk/$top" "$size" && sync "$staged/disk/$top" || {
		rm -rf "$staged"
		fail $FAILED "cannot make a disk layer"
	}
fi
printf '%s\n' "$becoming" >"$staged/instance.json"
commit "$staged" "$object"
# shellcheck disable=SC2086 # a list of numbers
[ -z "$ports" ] || (claim "${object##*/}" $ports) || { status=$?; release "${object##*/}" $ports; remove "$object"; exit $status; }
