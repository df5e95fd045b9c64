# Deletes an object; nothing depends on it, for whoever has a part of it has its
# own link. $1 data directory, $2 object, $3 uid, $4 its metadata. It is no error
# when the object is not there.
enter "$1"
object=$2 uid=$3 metadata=$4
[ -d "$object" ] || exit 0
hold "$object"
case $(cat "$object/$metadata" 2>/dev/null) in
*"$uid"*) ;;
*'"uid":'*'"'????????-????-????-????-????????????'"'*) fail $REPLACED "another has its name" ;;
*) fail $INVALID "its $metadata does not say whose it is: mend it, or remove $1/$object by hand" ;;
esac
case $object in
networks/*)
	tenths=20 # the tap of a guest that has just ended may take a moment longer
	while connected=$(ip -o link show master "kvmnet${uid%%-*}" 2>/dev/null | grep -v NO-CARRIER | sed -n 's/.*alias terraform-kvm \([^ ]*\) .*/\1/p' | sort -u) &&
		[ "$connected" ] && [ "$tenths" -gt 0 ]; do
		tenths=$((tenths - 1))
		sleep 0.1
	done
	[ -z "$connected" ] || fail $INVALID "guests are connected to it: $(echo "$connected" | tr '\n' ' ')"
	;;
esac
destroy "$object" "$uid"
