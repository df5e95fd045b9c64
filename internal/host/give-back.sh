# Gives a disk back to a guest that runs, from whose QEMU somebody has taken it. Needs
# disks.sh. $1 data directory, $2 instance, $3 its uid, $4 its instance.json as it
# was read, $5 the disk's layers, the top first, $6 the user whom QEMU becomes, or
# nothing; then the QMP lines that open it and give it to the guest.
enter "$1"
object=$2 uid=$3 was=$4 layers=$5 user=$6 open=$7 give=$8 mode=running
lock "$object"
unchanged "$object/instance.json" "$was"
cd "$object" || exit
in_mode
admit_layers
tell "$open" || case $said in
*'Duplicate node'*) ;; # they took it from the guest only
*) fail $FAILED "$said" ;;
esac
tell "$give" || case $said in
*'Duplicate device ID'*) ;; # they have given it back
*) fail $FAILED "$said" ;;
esac
