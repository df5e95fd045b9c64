# Makes an image of content that the host has already. $1 data directory, $2
# object, $3 the image that has it, $4 image.json.
enter "$1"
[ ! -e "$2" ] || fail $EXISTS "there is a $2 already"
stage "$2"
ln "$3/data" "$staged/data" || { rm -rf "$staged"; fail $CHANGED "$3 was removed meanwhile"; }
printf '%s\n' "$4" >"$staged/image.json"
commit "$2"
