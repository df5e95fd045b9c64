# Changes an instance. $1 data directory, $2 object, $3 uid, $4 instance.json as
# it was read, $5 as it becomes; $6 the top layer to be resized or nothing, $7
# its size in bytes; $8 host ports to claim, $9 those to release; ${10} and ${11}
# the images of the kernel and the initrd, nothing if they stay, - if there are to
# be none; ${12} the cloud-init seed, likewise, and ${13} its size, as plant takes
# them. For a running guest then come the QMP line that resizes its disk, or
# nothing, and QMP lines that must succeed, each followed by the one that undoes
# it, or by nothing.
enter "$1"
object=$2 uid=$3 was=$4 becomes=$5 top=$6 size=$7 claims=$8 releases=$9
kernel=${10} initrd=${11} seed=${12} seed_size=${13} grow=${14}
shift 14
lock "$object"
for needed in "$kernel" "$initrd"; do
	case $needed in
	'' | -) ;;
	*) genuine "$needed" ;;
	esac
done
unchanged "$object/instance.json" "$was"
# shellcheck disable=SC2086 # lists of numbers
[ -z "$claims" ] || (claim "${object##*/}" $claims && sync ports) || { status=$?; release "${object##*/}" $claims; exit $status; }
data_dir=$PWD undo=''
cd "$object" || exit
rm -f boot/*.tmp boot/*.was # of one that was killed

tell() { # LINE: has QEMU do it
	say control "$1"
	await 8 "$pid" 50 '"id":' >/dev/null || return
	case $said in *'"return": {}'* | *'"return": ""'* | *'"return": "host forwarding rule for '*) ;; *) return 1 ;; esac
}

refuse() { # STATUS MESSAGE: all is as it was
	printf '%s' "$undo" | while IFS= read -r line; do
		[ -z "$line" ] || tell "$line"
	done
	rm -f boot/*.tmp
	for file in kernel initrd seed.iso; do
		[ ! -e "boot/$file.was" ] || mv -f "boot/$file.was" "boot/$file"
	done
	cd "$data_dir" || exit
	# shellcheck disable=SC2086
	release "${object##*/}" $claims
	fail "$@"
}

retract() { # MESSAGE: when the metadata may have been replaced already
	restore instance.json "$was"
	rm -f run/growing
	refuse $FAILED "$1"
}

fetch() { # IMAGE FILE: a boot file, beside the one that it is to replace
	case $1 in
	'' | -) return ;;
	esac
	[ -d "$data_dir/$1" ] || refuse $NOT_FOUND "there is no ${1#images/} among the images"
	[ "$data_dir/$1/data" -ef "boot/$2" ] || { mkdir -p boot && ln "$data_dir/$1/data" "boot/$2.tmp"; } || refuse $FAILED "$1 cannot be shared"
}

sow() { # the seed, beside the one that it is to replace
	case $seed in
	'' | -) return ;;
	esac
	mkdir -p boot && plant boot/seed.iso.tmp "$seed" "$seed_size" || refuse $FAILED "cannot write its cloud-init seed"
}

place() { # IMAGE FILE: what was fetched; what it replaces is kept to the end
	[ ! -e "boot/$2" ] || ln "boot/$2" "boot/$2.was" || refuse $FAILED "cannot write its boot files"
	case $1 in
	-) rm -f "boot/$2" ;;
	*) [ ! -e "boot/$2.tmp" ] || { mv "boot/$2.tmp" "boot/$2" && sync boot; } ;;
	esac || refuse $FAILED "cannot write its boot files"
}

resize() {
	if [ "$live" ]; then
		tell "$grow" || { printf '%s\n' "$said" >&2 && return 1; }
	elif [ "$(stat -c %h "disk/$top")" -eq 1 ]; then
		# One that others have is not touched: the next layer gets the size.
		qemu-img resize -q -f qcow2 "disk/$top" "$size" && sync "disk/$top"
	fi
}

told='' live=''
[ -z "$grow" ] && [ $# -eq 0 ] || told=yes
! runs control "$uid" || live=yes
[ -z "$live" ] || [ "$told" ] || [ -z "$top$kernel$initrd$seed" ] || refuse $CHANGED "it runs"
[ "$live" ] || [ -z "$told" ] || refuse $CHANGED "it does not run"
fetch "$kernel" kernel
fetch "$initrd" initrd
sow
[ -z "$told" ] || listen || refuse $FAILED "$said"
while [ $# -gt 0 ]; do
	tell "$1" || refuse $FAILED "$said"
	undo="$2
$undo"
	shift 2
done
[ -z "$kernel" ] || place "$kernel" kernel
[ -z "$initrd" ] || place "$initrd" initrd
case $seed in
'' | -) ;; # one that goes is needed for as long as the metadata has it
*) place "$seed" seed.iso ;;
esac
[ -z "$top" ] || { mkdir -p run && put run/growing "$top $size
$grow"; } || retract "cannot write to run/"
put instance.json "$becomes" || retract "cannot write its metadata"
# Only now: a disk that is larger than its metadata says would be cut off some day.
[ -z "$top" ] || { resize && rm -f run/growing; } || retract "cannot resize the disk"
[ "$seed" != - ] || rm -f boot/seed.iso
rm -f boot/*.was
rmdir boot 2>/dev/null # if nothing is left there
cd ../.. || exit
# shellcheck disable=SC2086
[ -z "$releases" ] || release "${object##*/}" $releases || fail $FAILED "cannot release its ports"
