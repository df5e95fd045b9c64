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

(cd "$object" && end control "$uid" && end receiver "$uid") || exit
[ "$metadata" != instance.json ] || { find ports -lname "../$object" -exec rm -f {} + && sync ports; } || fail $FAILED "cannot release its ports"
remove "$object"
