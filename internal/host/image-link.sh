# Makes an image of content that the host has already. $1 data directory, $2
# object, $3 the image that has it, $4 image.json, $5 that of $3 as it was read.
settle "$1"
absent "$2"
genuine "$3"
stage "$2"
ln "$3/data" "$staged/data" || {
	[ ! -d "$3" ] || unstage $FAILED "$3 cannot be shared"
	unstage $CHANGED "$3 was removed meanwhile"
}
# Another one may have got its name meanwhile.
[ "$(cat "$3/image.json")" = "$5" ] || unstage $CHANGED "$3 is not what it was when it was read"
commit "$2" image.json "$4"
