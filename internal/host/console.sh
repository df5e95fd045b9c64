# Prints the end of an instance's console. $1 data directory, $2 object, $3 its uid
# if the first line is to say whether its process is alive or has ended, or
# nothing; $4 bytes at most, $5 lines at most or nothing.
visit "$1"
[ -d "$2" ] || fail $NOT_FOUND "no directory $2"
for part in "$2" "$2/run"; do
	is -d "$part" || fail $INVALID "$part $STRANGE"
done
bound_console "$2/run/console.log" ".tmp-$$-console" 2>/dev/null
cd "$2" || exit
[ -z "$3" ] || { alive control "$3" && echo alive || echo ended; }
is -f run/console.log || fail $INVALID "$2/run/console.log $STRANGE"
[ -f run/console.log ] || exit 0
if [ "$5" ]; then
	tail -c "$4" run/console.log | tail -n "$5"
else
	tail -c "$4" run/console.log
fi
