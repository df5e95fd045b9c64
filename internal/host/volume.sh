# Makes a volume. $1 data directory, $2 object, $3 its volume.json; $4 its layer, $5
# the image below it or nothing, and $6 that one's image.json, as make_disk takes them.
settle "$1"
absent "$2"
[ -z "$5" ] || genuine "$5"
stage "$2" disk
or_unstage make_disk "$staged" "$4" "$5" "$6"
commit "$2" volume.json "$3"
