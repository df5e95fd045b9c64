# Starts an instance's process and lets its guest run: from its firmware on, or
# from its checkpoint. $1 directory, $2 uid, $3 instance.json as it was read,
# $4 mode (boot or restore); $5 instance.json with new top layers or network cards,
# $6 these layers, in groups as in lib/layers.sh, or nothing; $7 the layers that may be
# written as they are; $8 links to bridges and $9 network cards to replace as in
# bridge.sh, which is needed for them; then the user whom QEMU becomes, or nothing,
# whether the guest has an agent (yes or no), the arguments of passt, for which
# passt.sh is needed, or nothing, QEMU and its arguments.
dir=$1 uid=$2 was=$3 mode=$4 becomes=$5 above=$6 written=$7
links=$8 replace=$9 user=${10} agent=${11} passt=${12}
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
	read -r voids <run/replacing
	[ "$mode" = restore ] || voids=''
	for void in $voids; do
		case $void in
		*/*) ;;
		*) grep -q "$void" checkpoint/machine.json || rm -f "disk/$void" ;;
		esac
	done
	rm run/replacing
fi
[ -z "$links" ] || find_bridges

# What a change has left that was killed.
pid=''
[ "$mode" = restore ] || finish_growth || fail $FAILED "a disk of it cannot be resized"
for left in boot/*.tmp boot/*.was; do
	[ ! -f "$left" ] || rm -f "$left"
done
[ -d run ] || mkdir run
[ ! -e run/asleep ] || rm -f run/asleep
admit "$user"
# A layer that others have, or that a checkpoint is of, is never written again.
# shellcheck disable=SC2086 # lists of names of ours
each_layer 6 make_layer $above || {
	each_layer 6 drop_layer $above
	fail $FAILED "cannot make a disk layer"
}
for layer in $written; do
	[ "$(stat -c %h "disk/$layer")" -le 1 ] || fail $FROZEN "its top layer belongs to others too"
	own "$user" "disk/$layer"
done
own_layer() { own "$user" "disk/$1"; }
# shellcheck disable=SC2086
each_layer 6 own_layer $above
[ ! -f boot/variables ] || own "$user" boot/variables

undo() {
	kill -9 "$pid" 2>/dev/null && gone "$pid" 50
	[ -z "$passt" ] || (end passt "$uid")
	rm -f run/control.pid run/replacing
	# shellcheck disable=SC2086
	[ -z "$becomes" ] || { restore instance.json "$was" && each_layer 6 drop_layer $above; }
	[ ! -f run/control.log ] || tail -n 15 run/control.log >&2
	fail $FAILED "$said"
}

load() { # memory is mapped already
	ignore_shared control
	say control '{"execute":"snapshot-load","arguments":{"job-id":"load","tag":"checkpoint","vmstate":"device-state","devices":["device-state"]},"id":"load"}'
}

is_loaded() {
	started job_ends control 8 "$pid" || return
	say control '{"execute":"job-dismiss","arguments":{"id":"load"},"id":"dismiss"}'
	say control '{"execute":"blockdev-del","arguments":{"node-name":"device-state"},"id":"blockdev-del"}'
}

pid=''
case $mode in
restore) cp checkpoint/device-state run && command : >run/asleep ;;
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
[ -z "$passt" ] || open_passt || undo
spawn control "$@" || undo
exec 8<run/control.out
hail control
[ "$mode" != restore ] || load
# While QEMU starts, what it stands on gets to the disk.
fresh=''
# shellcheck disable=SC2086
each_layer 6 note_layer $above
# shellcheck disable=SC2086
[ -z "$becomes" ] || put instance.json "$becomes" $fresh || { said='cannot write to the disk' && undo; }
case $mode in
restore) is_loaded ;;
*) started await 8 "$pid" 400 '"id": "hello"' ;;
esac || undo
exec 5<&-
[ -z "$replace" ] || disconnect || undo
[ -z "$links" ] || [ "$replace" ] || attach || undo
say control '{"execute":"cont","id":"cont"}'
await 8 "$pid" 50 '"id": "cont"' || undo
[ -z "$replace" ] || { replace_cards && attach && rm run/replacing && sync run; } || undo

# From here on the guest writes above the checkpoint, which is past.
[ "$mode" != restore ] || remove checkpoint run/device-state

# Layers in which nothing was ever written (see emptyLayer in damage.go) are of
# starts that were killed.
for layer in disk/*; do
	case $was$becomes in
	*"${layer#disk/}"*) ;;
	*) [ ! -f "$layer" ] || [ "$(stat -c %s "$layer")" -ge 262144 ] || rm -f "$layer" ;;
	esac
done
echo "login $LOGIN"
