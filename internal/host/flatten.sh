# Makes a running instance's disk two layers: the image at the bottom, and the
# top, into which QEMU copies what lies between. The guest goes on meanwhile.
# $1 directory, $2 uid, $3 instance.json as it was read, $4 as it becomes, $5 the
# QMP line, $6 the layers that are not needed any more, $7 the QMP line that has
# the top written to the disk, $8 its name.
lock "$1"
cd "$1" || exit
unchanged instance.json "$3"
runs control "$2" || fail $CHANGED "it does not run"
listen || fail $FAILED "$said"
say control "$5"
await 8 "$pid" 36000 '"BLOCK_JOB_COMPLETED"' >/dev/null || fail $FAILED "$said"
case $said in *'"error"'*) fail $FAILED "$said" ;; esac
# What QEMU has not written yet would be lost with the layers if the host went down.
say control "$7"
await 8 "$pid" 600 '"id": "human-monitor-command"' >/dev/null || fail $FAILED "$said"
case $said in *'"return": ""'*) ;; *) fail $FAILED "$said" ;; esac
sync "disk/$8" disk && put instance.json "$4" || fail $FAILED "cannot write its metadata"
cd disk || exit
# shellcheck disable=SC2086 # a list of names of ours
rm -f $6
