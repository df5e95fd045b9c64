# Asks the guest's agent for its network interfaces, once and for a second, unless
# somebody holds the lock. Needs agent.sh. $1 directory, $2 uid.
LOCK_SECONDS=0 patience=1
lock "$1"
cd "$1" || exit
runs control "$2" || fail $CHANGED "it does not run"
listen >/dev/null && converse 0 && ask '{"execute":"guest-network-get-interfaces"}' 1 || fail $FAILED "$said"
printf '%s\n' "$heard"
