# Prints an instance's cloud-init seed, in base64. $1 data directory, $2 object,
# $3 how many bytes of it, at most.
visit "$1"
[ -d "$2" ] || fail $NOT_FOUND "no directory $2"
genuine "$2"
[ -f "$2/boot/seed.iso" ] || fail $INVALID "it has no boot/seed.iso"
head -c "$3" "$2/boot/seed.iso" | base64
