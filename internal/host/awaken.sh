# Tells a guest that goes on what it has slept through: the time, and, if it is a
# fork, who it is now. Needs agent.sh. $1 directory, $2 uid, $3 instance.json as it
# was read, $4 as it becomes; $5 seconds to wait for the agent, $6 for each of the
# guest-execs, which follow: one that gives it random numbers and may fail, for the
# agent may not be allowed to run anything, and those that may not. It ends with the
# line awake, or with how the first of those ended that has failed.
dir=$1 uid=$2 was=$3 becomes=$4 seconds=$5 limit=$6 reseed=$7
shift 7
lock "$dir"
cd "$dir" || exit
unchanged instance.json "$was"
runs control "$uid" || fail $CHANGED "it does not run"
listen || fail $FAILED "$said"
converse "$seconds" && set_clock || fail $FAILED "$said"
run_in_guest "$reseed" "$limit" >/dev/null || agent_answers || fail $FAILED "$said"
for command; do
	run_in_guest "$command" "$limit" || fail $FAILED "$said"
	case $heard in *'"exitcode": 0,'* | *'"exitcode": 0}'*) ;; *) exit 0 ;; esac
done
[ "$was" = "$becomes" ] || put instance.json "$becomes" || fail $FAILED "cannot write its metadata"
rm -f run/asleep
echo awake
