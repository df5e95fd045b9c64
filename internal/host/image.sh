# Takes an image from standard input, behind whose bytes come the 64 hexadecimal
# digits of their SHA-256 and a newline: a stream that was cut short does not
# pass for whole. $1 data directory, $2 object, $3 format, $4 image.json without its end, which is added here and printed.
settle "$1"
object=$2 format=$3 begin=$4
absent "$object"
stage "$object"

cat >"$staged/data" || unstage $FAILED "cannot write the image"
bytes=$(stat -c %s "$staged/data")
sum=$(tail -c 65 "$staged/data" | tr -d '\n')
[ "$bytes" -ge 65 ] && truncate -s $((bytes - 65)) "$staged/data" || unstage $FAILED "the stream ended early"
got=$(sha256sum <"$staged/data")
[ "${got%% *}" = "$sum" ] || unstage $FAILED "the stream ended early"

info=$(qemu-img info -f "$format" "$staged/data" 2>&1) || unstage $INVALID "qemu-img says: $info"
virtual=$(printf '%s\n' "$info" | sed -n 's/^virtual size: .*(\([0-9]*\) bytes).*/\1/p')

# The same content twice is stored once; where it was damaged it is not the same.
find images -mindepth 2 -maxdepth 2 -type f -name image.json -exec grep -ls "\"sha256\":\"$sum\"" {} + | while IFS= read -r same; do
	same=${same%/*}/data
	[ -f "$same" ] && [ ! -L "$same" ] && [ "$(stat -c %s "$same" 2>/dev/null)" = $((bytes - 65)) ] && ln -f "$same" "$staged/data" && break
done
becoming=$begin,'"sha256":"'$sum'","size_bytes":'$((bytes - 65)),'"virtual_size_bytes":'$virtual'}'
commit "$object" image.json "$becoming"
printf '%s\n' "$becoming"
