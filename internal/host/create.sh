# Makes an instance from images. $1 data directory, $2 object, $3 its
# instance.json, $4 its host ports; $5 its disk's layer or nothing, $6 the image below
# it or nothing, and $7 that one's image.json, as make_disk takes them; $8 the kernel's
# image and $9 the initrd's, or nothing; ${10} the firmware and ${11} its variables,
# or nothing, ${12} and ${13} their sizes in bytes; ${14} a cloud-init seed or
# nothing, and ${15} its size, as plant takes them.
settle "$1"
object=$2 becoming=$3 ports=$4 layer=$5 image=$6 image_json=$7 kernel=$8 initrd=$9
firmware=${10} variables=${11} sizes="${12} ${13}" seed=${14} seed_size=${15}
boot=$kernel$firmware$seed
absent "$object"
for needed in "$image" "$kernel" "$initrd"; do
	[ -z "$needed" ] || genuine "$needed"
done
stage "$object" ${layer:+disk} ${boot:+boot}

have() { # IMAGE FILE: a link to an image
	[ -d "$1" ] || unstage $NOT_FOUND "there is no ${1#images/} among the images"
	ln "$1/data" "$staged/$2" || unstage $FAILED "$1 cannot be shared"
}
[ -z "$kernel" ] || have "$kernel" boot/kernel
[ -z "$initrd" ] || have "$initrd" boot/initrd
if [ "$firmware" ]; then
	duplicate "$firmware" "$staged/boot/firmware" && duplicate "$variables" "$staged/boot/variables" ||
		unstage $FAILED "the firmware cannot be copied"
	[ "$(stat -c %s "$staged/boot/firmware" "$staged/boot/variables" | tr '\n' ' ')" = "$sizes " ] ||
		unstage $CHANGED "$firmware is not what it was when it was looked at"
fi
[ -z "$seed" ] || plant "$staged/boot/seed.iso" "$seed" "$seed_size" || unstage $FAILED "cannot write its cloud-init seed"
[ -z "$layer" ] || or_unstage make_disk "$staged" "$layer" "$image" "$image_json"
# shellcheck disable=SC2086 # a list of numbers
commit "$object" instance.json "$becoming" $ports
