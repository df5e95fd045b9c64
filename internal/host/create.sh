# Makes an instance from images. $1 data directory, $2 object, $3 its
# instance.json, $4 its host ports, $5 its image or nothing, $6 that image's name
# as a layer, $7 its format, $8 the top layer or nothing, $9 the disk's size in
# bytes, ${10} the kernel's image and ${11} the initrd's, or nothing; ${12} the
# image.json of the image as it was read; ${13} the firmware and ${14} its
# variables, or nothing, ${15} and ${16} their sizes in bytes; ${17} a cloud-init
# seed or nothing, and ${18} its size, as plant takes them.
settle "$1"
object=$2 becoming=$3 ports=$4 image=$5 below=$6 format=$7 top=$8 size=$9
kernel=${10} initrd=${11} known=${12} firmware=${13} variables=${14} sizes="${15} ${16}" seed=${17} seed_size=${18}
absent "$object"
for needed in "$image" "$kernel" "$initrd"; do
	[ -z "$needed" ] || genuine "$needed"
done
stage "$object"

have() { # IMAGE FILE: a link to an image
	[ -d "$1" ] || unstage $NOT_FOUND "there is no ${1#images/} among the images"
	mkdir -p "$staged/${2%/*}" && ln "$1/data" "$staged/$2" || unstage $FAILED "$1 cannot be shared"
}
[ -z "$image" ] || have "$image" "disk/$below"
[ -z "$kernel" ] || have "$kernel" boot/kernel
[ -z "$initrd" ] || have "$initrd" boot/initrd
if [ "$firmware" ]; then
	mkdir -p "$staged/boot" && duplicate "$firmware" "$staged/boot/firmware" && duplicate "$variables" "$staged/boot/variables" ||
		unstage $FAILED "the firmware cannot be copied"
	[ "$(stat -c %s "$staged/boot/firmware" "$staged/boot/variables" | tr '\n' ' ')" = "$sizes " ] ||
		unstage $CHANGED "$firmware is not what it was when it was looked at"
fi
[ -z "$seed" ] || { mkdir -p "$staged/boot" && plant "$staged/boot/seed.iso" "$seed" "$seed_size"; } || unstage $FAILED "cannot write its cloud-init seed"
# Another one may have got the name of the image meanwhile.
[ -z "$image" ] || [ "$(cat "$image/image.json")" = "$known" ] || unstage $CHANGED "$image is not what it was when it was read"
if [ "$top" ]; then
	mkdir -p "$staged/disk"
	set -- -q -u -f qcow2
	[ -z "$image" ] || set -- "$@" -b "$below" -F "$format"
	qemu-img create "$@" "$staged/disk/$top" "$size" && sync "$staged/disk/$top" || unstage $FAILED "cannot make a disk layer"
fi
# shellcheck disable=SC2086 # a list of numbers
commit "$object" instance.json "$becoming" $ports
