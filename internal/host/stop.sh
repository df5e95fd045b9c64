# Shuts a guest down: by its agent, by its power button, or, after a time, by
# ending QEMU. Needs agent.sh. $1 directory, $2 uid, $3 seconds to wait for the
# guest, $4 whether it has an agent (yes or no).
lock "$1"
cd "$1" || exit
alive control "$2" || exit 0
# Beside a guest that has run, a checkpoint is of the past.
! runs control "$2" || [ ! -d checkpoint ] || remove checkpoint || fail $FAILED "cannot remove its old checkpoint"

seconds=$3
[ "$4" = no ] || [ "$seconds" -eq 0 ] || ! listen || ! converse 1 || tell_agent '{"execute":"guest-shutdown"}'
while [ "$seconds" -gt 0 ] && running "$pid"; do
	# A guest that has only begun to boot misses the first press.
	[ $((($3 - seconds) % 5)) -ne 0 ] || say control '{"execute":"system_powerdown","id":"powerdown"}'
	gone "$pid" 10 && break
	seconds=$((seconds - 1))
done
if running "$pid"; then
	say control '{"execute":"quit","id":"quit"}' # closes the disk properly
	gone "$pid" 50
fi
end control "$2"
