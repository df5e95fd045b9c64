# Asks whether the guest's agent answers. Needs agent.sh. $1 directory, $2 uid,
# $3 seconds for the answer.
lock "$1"
cd "$1" || exit
runs control "$2" || fail $CHANGED "it does not run"
listen && converse "$3" || fail $FAILED "$said"
