# Replaces the metadata of a snapshot or of an image. $1 object, $2 its metadata, $3 as it was
# read, $4 as it becomes.
lock "$1"
cd "$1" || exit
unchanged "$2" "$3"
put "$2" "$4"
