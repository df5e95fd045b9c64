# Makes an image of content that the host has already. $1 data directory, $2
# object, $3 the image that has it, $4 image.json.
settle "$1"
[ ! -e "$2" ] || fail $EXISTS "there is a $2 already"
stage "$2"
ln "$3/data" "$staged/data" || unstage $CHANGED "$3 was removed meanwhile"
commit "$2" image.json "$4"
