# Changes an instance. $1 data directory, $2 object, $3 uid, $4 instance.json as
# it was read, $5 as it becomes; $6 the top layer to be resized or nothing, $7
# its size in bytes; $8 host ports to claim, $9 those to release. The rest are
# QMP lines for a running guest, each of which must succeed.
enter "$1"
object=$2 uid=$3 was=$4 becomes=$5 top=$6 size=$7 claims=$8 releases=$9
shift 9
lock "$object"
unchanged "$object/instance.json" "$was"
# shellcheck disable=SC2086 # lists of numbers
[ -z "$claims" ] || (claim "${object##*/}" $claims) || { status=$?; release "${object##*/}" $claims; exit $status; }

cd "$object" || exit
if alive control "$uid"; then
	[ $# -gt 0 ] || [ -z "$top" ] || fail $CHANGED "it runs"
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
put instance.json "$becomes"
cd ../.. || exit
# shellcheck disable=SC2086
[ -z "$releases" ] || release "${object##*/}" $releases
