# Changes an instance. $1 data directory, $2 object, $3 uid, $4 instance.json as
# it was read, $5 as it becomes; $6 the top layer to be resized or nothing, $7
# its size in bytes; $8 host ports to claim, $9 those to release; ${10} and ${11}
# the images of the kernel and the initrd, nothing if they stay, - if there are to
# be none. The rest are QMP lines for a running guest, each of which must succeed.
enter "$1"
object=$2 uid=$3 was=$4 becomes=$5 top=$6 size=$7 claims=$8 releases=$9
kernel=${10} initrd=${11}
shift 11
lock "$object"
unchanged "$object/instance.json" "$was"
# shellcheck disable=SC2086 # lists of numbers
[ -z "$claims" ] || (claim "${object##*/}" $claims) || { status=$?; release "${object##*/}" $claims; exit $status; }

data_dir=$PWD
boot() { # IMAGE FILE: gives the instance a boot file, which one rename puts in the place of another
	case $1 in
	'') ;;
	-) rm -f "boot/$2" ;;
	*)
		mkdir -p boot
		ln -f "$data_dir/$1/data" "boot/$2.tmp" 2>/dev/null || fail $NOT_FOUND "there is no ${1#images/} among the images"
		mv "boot/$2.tmp" "boot/$2" && sync boot
		;;
	esac
}

cd "$object" || exit
if runs control "$uid"; then
	[ $# -gt 0 ] || [ -z "$top$kernel$initrd" ] || fail $CHANGED "it runs"
	[ $# -eq 0 ] || listen
	for line; do
		say control "$line"
		await 8 "$pid" 50 '"id":' >/dev/null
		case $? in 0) ;; *) fail $FAILED "$said" ;; esac
		case $said in *'"return": {}'* | *'"return": ""'* | *'"return": "host forwarding rule for '*) ;; *) fail $FAILED "$said" ;; esac
	done
elif [ $# -gt 0 ]; then
	fail $CHANGED "it does not run"
elif [ "$top" ] && [ "$(stat -c %h "disk/$top")" -eq 1 ]; then
	# One that others have is not touched: the next layer gets the size.
	qemu-img resize -q -f qcow2 "disk/$top" "$size" && sync "disk/$top" || fail $FAILED "cannot resize the disk"
fi
boot "$kernel" kernel
boot "$initrd" initrd
put instance.json "$becomes"
cd ../.. || exit
# shellcheck disable=SC2086
[ -z "$releases" ] || release "${object##*/}" $releases
