# Starts an instance's process and lets its guest run: from its firmware on, or
# from its checkpoint. $1 directory, $2 uid, $3 instance.json as it was read,
# $4 mode (boot or restore); $5 instance.json with a new top layer, $6 its name,
# $7 and $8 name and format of the layer below, $9 size in bytes; ${10} links to
# bridges and ${11} network cards to replace as in bridge.sh, which is needed for
# them; then the user whom QEMU becomes, or nothing, QEMU and its arguments. When
# the top layer may be written it is $7, and $5 and $6 are empty; without a disk $6
# to $9 are. $5 may have other network cards instead of a layer.
dir=$1 uid=$2 was=$3 mode=$4 becomes=$5 top=$6 below=$7 format=$8 size=$9
links=${10} replace=${11} user=${12}
shift 12

lock "$dir"
cd "$dir" || exit
unchanged instance.json "$was"
! runs control "$uid" || fail $CHANGED "it runs already"
end control "$uid"
if [ "$mode" = restore ]; then
	[ -f checkpoint/device-state ] || fail $CHANGED "it has no checkpoint"
else
	[ ! -d checkpoint ] || fail $CHANGED "it has a checkpoint"
fi

if [ -f run/replacing ]; then # of a start that was killed: what its guest wrote before it was complete is void
	read -r void <run/replacing
	case $mode$void in
	restore | boot* | */*) ;;
	*) grep -q "$void" checkpoint/machine.json || rm -f "disk/$void" ;;
	esac
	rm run/replacing
fi
[ -z "$links" ] || find_bridges

mkdir -p run
admit "$user"
# A layer that others have, or that a checkpoint is of, is never written again.
if [ "$top" ]; then
	qemu-img create -q -u -f qcow2 -b "$below" -F "$format" "disk/$top" "$size" || {
		rm -f "disk/$top"
		fail $FAILED "cannot make a disk layer"
	}
elif [ "$below" ]; then
	[ "$(stat -c %h "disk/$below")" -le 1 ] || fail $FROZEN "its top layer belongs to others too"
fi

[ -z "$top$below" ] || own "$user" "disk/${top:-$below}"
[ ! -f boot/variables ] || own "$user" boot/variables

undo() {
	kill -9 "$pid" 2>/dev/null && gone "$pid" 50
	rm -f run/control.pid run/replacing
	[ -z "$becomes" ] || { restore instance.json "$was" && { [ -z "$top" ] || rm -f "disk/$top"; }; }
	[ ! -f run/control.log ] || tail -n 15 run/control.log >&2
	fail $FAILED "$said"
}

load() { # memory is mapped already
	ignore_shared control 8 "$pid" || return
	job control 8 "$pid" '{"execute":"snapshot-load","arguments":{"job-id":"load","tag":"checkpoint","vmstate":"device-state","devices":["device-state"]},"id":"load"}' || return
	say control '{"execute":"job-dismiss","arguments":{"id":"load"},"id":"dismiss"}'
	say control '{"execute":"blockdev-del","arguments":{"node-name":"device-state"},"id":"blockdev-del"}'
	await 8 "$pid" 50 '"id": "blockdev-del"' || return
	rm run/device-state
}

pid=''
case $mode in
restore) cp checkpoint/device-state run ;;
*) command : >run/console.log ;;
esac || { said='cannot write to run/' && undo; }
if [ "$links" ] && [ "$LOGIN" != 0 ]; then
	choose_taps
	for argument; do
		shift
		with_tap "$argument"
		set -- "$@" "$argument"
	done
fi
spawn control "$@" || undo
exec 8<run/control.out
# While QEMU starts, what it stands on gets to the disk.
[ -z "$top" ] || sync "disk/$top" disk || { said='cannot write to the disk' && undo; }
[ -z "$becomes" ] || put instance.json "$becomes" || { said='cannot write to the disk' && undo; }
greet control 8 "$pid" || undo
exec 5<&-
[ "$mode" != restore ] || load || undo
[ -z "$replace" ] || disconnect || undo
[ -z "$links" ] || [ "$replace" ] || attach || undo
say control '{"execute":"cont","id":"cont"}'
await 8 "$pid" 50 '"id": "cont"' || undo
[ -z "$replace" ] || { replace_cards && attach && rm run/replacing && sync run; } || undo

# From here on the guest writes above the checkpoint, which is past.
[ "$mode" != restore ] || remove checkpoint

# Layers in which nothing was ever written (see emptyLayer in damage.go) are of
# starts that were killed.
for layer in disk/*; do
	case $was$becomes in
	*"${layer#disk/}"*) ;;
	*) [ ! -f "$layer" ] || [ "$(stat -c %s "$layer")" -ge 262144 ] || rm -f "$layer" ;;
	esac
done
echo "login $LOGIN"
