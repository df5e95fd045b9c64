# Makes an image of content that the host has already. $1 data directory, $2
# object, $3 where it is staged, $4 the image that has it, $5 image.json.
enter "$1"
[ ! -e "$2" ] || fail $EXISTS "there is a $2 already"
stage "$3"
ln "$4/data" "$3/data" || { rm -rf "$3"; fail $CHANGED "$4 was removed meanwhile"; }
printf '%s\n' "$5" >"$3/image.json"
commit "$3" "$2"
