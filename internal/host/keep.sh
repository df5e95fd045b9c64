# Takes note that whoever had an object made knows of it. $1 data directory, $2
# object, $3 its uid.
visit "$1"
[ -d "$2" ] || fail $NOT_FOUND "no directory $2"
genuine "$2"
maker "$2" || exit 0 # that was said before
[ "$its_uid" = "$3" ] || fail $REPLACED "another has its name"
rm -f "$2/maker" && sync "$2"
