# Takes an image from standard input, behind whose bytes come the 64 hexadecimal
# digits of their SHA-256 and a newline: a stream that was cut short does not
# pass for whole. $1 data directory, $2 object, $3 format, $4 image.json without its
# end, which is added here and printed, $5 the size in bytes, or -1.
settle "$1"
object=$2 format=$3 begin=$4 size=$5
absent "$object"
stage "$object"

# The guests of the host write to the same filesystem, and stop when it is full:
# a sixteenth of what is free is left to them, also by a server that never ends.
# shellcheck disable=SC2046 # two numbers
set -- $(stat -f -c '%a %S' images)
[ $# -eq 2 ] || unstage $FAILED "cannot tell how much space is free"
room=$(($1 * $2 - $1 * $2 / 16))
full="the image does not fit: it may take $room bytes of the $(($1 * $2)) that are free in the data directory"
[ "$size" -le "$room" ] || unstage $UNFIT "$full, and has $size"
head -c $((room + 66)) >"$staged/data" || unstage $FAILED "cannot write the image"
bytes=$(stat -c %s "$staged/data")
[ "$bytes" -le $((room + 65)) ] || unstage $UNFIT "$full"
sum=$(tail -c 65 "$staged/data" | tr -d '\n')
[ "$bytes" -ge 65 ] && truncate -s $((bytes - 65)) "$staged/data" || unstage $FAILED "the stream ended early"
got=$(sha256sum <"$staged/data")
[ "${got%% *}" = "$sum" ] || unstage $FAILED "the stream ended early"

# Nobody vouches for what is in an image, so qemu-img gets so much memory and time
# for it, and is heard as far as a person reads. No file of the host's is opened:
# an image that names one was refused before it was sent.
limited() { # ARGS…: qemu-img
	# shellcheck disable=SC3045 # the shells that there are have both
	(
		command ulimit -v 1048576 2>/dev/null || : # KiB; what is limited further stays so
		command ulimit -t 30 2>/dev/null || :      # seconds, of a processor
		exec timeout -k 1 300 qemu-img "$@" </dev/null
	) 2>&1
}
if [ "$format" = qcow2 ]; then
	said=$({ limited check -f qcow2 "$staged/data"; echo "=$?"; } | tail -c 1000 | tail -n 8 | tr -cd '[:print:]\n')
	case ${said##*=} in
	0 | 3) ;; # 3: sound, but it wastes space
	124 | 133 | 134 | 137 | 152) unstage $INVALID "qemu-img check takes more memory or time than it is given: the image is damaged or hostile" ;;
	*)
		printf '%s\n' "${said%=*}" >&2
		unstage $INVALID "the image is damaged, as qemu-img check says; get it anew"
		;;
	esac
fi
# The first line that says it: those behind may be by whoever made the image.
virtual=$(limited info -f "$format" "$staged/data" | sed -n '/^virtual size: /{s/.*(\([0-9]*\) bytes).*/\1/p;q;}')
[ "$virtual" ] || unstage $INVALID "qemu-img info does not tell its virtual size"

# The same content twice is stored once; where it was damaged it is not the same.
find images -mindepth 2 -maxdepth 2 -type f -name image.json -exec grep -ls "\"sha256\":\"$sum\"" {} + | while IFS= read -r same; do
	same=${same%/*}/data
	[ -f "$same" ] && [ ! -L "$same" ] && [ "$(stat -c %s "$same" 2>/dev/null)" = $((bytes - 65)) ] && ln -f "$same" "$staged/data" && break
done
becoming=$begin,'"sha256":"'$sum'","size_bytes":'$((bytes - 65)),'"virtual_size_bytes":'$virtual'}'
commit "$object" image.json "$becoming"
printf '%s\n' "$becoming"
