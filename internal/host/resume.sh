# Lets a guest go on that was paused: by somebody, or by a copy of it that nobody
# goes on with. $1 directory, $2 uid. Needs capture.sh.
lock "$1"
cd "$1" || exit
runs control "$2" || fail $CHANGED "it does not run"
# From here on it writes above its checkpoint, which is past.
[ ! -d checkpoint ] || remove checkpoint || fail $FAILED "cannot remove its old checkpoint"
guest=$pid
listen
say control '{"execute":"migrate_cancel","id":"cancel"}'
go_on >/dev/null || fail $FAILED "$said"
