# Lets a guest that was paused go on. $1 directory, $2 uid.
lock "$1"
cd "$1" || exit
alive control "$2" || fail $CHANGED "it does not run"
listen
say control '{"execute":"cont","id":"resume"}'
await 8 "$pid" 50 '"id": "resume"' >/dev/null || fail $FAILED "$said"
