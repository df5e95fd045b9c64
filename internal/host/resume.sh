# Lets a guest go on that was paused: by somebody, or by a copy of it that nobody
# goes on with. $1 directory, $2 uid. Needs capture.sh.
lock "$1"
cd "$1" || exit
runs control "$2" || fail $CHANGED "it does not run"
# From here on it writes above its checkpoint, which is past.
[ ! -d checkpoint ] || remove checkpoint || fail $FAILED "cannot remove its old checkpoint"
guest=$pid
listen || fail $FAILED "$said"
say control '{"execute":"migrate_cancel","id":"cancel"}'
# One that QEMU has paused, because a write failed, writes again at once.
heard=$(
	go_on || { echo "$said" && exit 1; }
	await 8 "$guest" 3 '"event": "BLOCK_IO_ERROR"'
	:
) || fail $FAILED "$(printf '%s\n' "$heard" | tail -n 1)"
case $heard in
*'"event": "BLOCK_IO_ERROR"'*) fail $FAILED "a write to its disk fails: $(printf '%s\n' "$heard" | grep BLOCK_IO_ERROR | tail -n 1)" ;;
esac
