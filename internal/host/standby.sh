# Puts a running or paused instance into standby. $1 directory, $2 uid,
# $3 instance.json as it was read, $4 running or paused, $5 the machine
# definition, $6 and $7 patience and downtime as in capture.sh, which this needs;
# then user, QEMU and arguments of a receiver.
dir=$1 uid=$2 was=$3 mode=$4 machine=$5 patience=$6 downtime=$7
shift 7
lock "$dir"
cd "$dir" || exit
unchanged instance.json "$was"
runs control "$uid" || fail $CHANGED "it does not run"

above='' afterwards=off
capture "$@"
layers=$(find disk -type f 2>/dev/null)
# shellcheck disable=SC2086 # a list of names
[ -z "$layers" ] || sync $layers || { said='cannot write its disk' && abandon; }
mv -T checkpoint.tmp checkpoint && sync . || { said='cannot write the checkpoint' && abandon; }
say control '{"execute":"quit","id":"quit"}'
gone "$guest" 50
end control "$uid"
disarm
