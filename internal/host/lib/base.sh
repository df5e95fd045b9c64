# What the scripts of this package share is in this directory. Every shell reads it
# once, this file first.

# Statuses by which a script fails, each with a message on standard error:
# shellcheck disable=SC2034
NOT_FOUND=40 EXISTS=41 CHANGED=42 REPLACED=43 BUSY=44 PORT=45 UNFIT=46 INVALID=47 FAILED=48 FROZEN=49 ATTACHED=50
NEWLINE='
'
LOCK_SECONDS=10 # after which the caller asks again

trap '' PIPE # a script runs to its end, also when nobody hears it any more

read -r BOOT_ID </proc/sys/kernel/random/boot_id
LOGIN=$(id -u)
PATH=$PATH:/usr/sbin:/sbin # where a login that is not root does not look for nft and dnsmasq
# What a login may that is not root, and what of that all would that it starts: a
# guest's processes, begun behind $PLAINLY, may none of it.
POWERS=0 PLAINLY=''
[ "$LOGIN" = 0 ] || while read -r key value; do
	case $key in
	CapEff:) POWERS=$value ;;
	CapAmb:) [ "$((0x$value))" = 0 ] || PLAINLY='setpriv --ambient-caps=-all --inh-caps=-all' && break ;;
	esac
done </proc/self/status
MACHINE_ID=''
[ ! -r /etc/machine-id ] || read -r MACHINE_ID </etc/machine-id
MACHINE_ID=${MACHINE_ID:-unknown} # the file may be empty

fail() { # STATUS MESSAGE
	printf '%s\n' "$2" >&2
	exit "$1"
}

visit() { # DATA_DIR: goes there to look
	cd "$1" 2>/dev/null || fail $UNFIT "the data directory $1 is not there or may not be entered by $(id -un)"
	for part in images instances snapshots volumes networks ports; do
		is -d "$part" || fail $UNFIT "$1/$part $STRANGE"
	done
}

enter() { # DATA_DIR: goes there to change something, and sweeps
	visit "$1"
	[ -d ports ] || fail $UNFIT "the data directory $1 is empty: is its filesystem mounted?"
	sweep . images instances snapshots volumes networks
}

settle() { # DATA_DIR: enters it to make something there, its parts, too, if they are missing
	visit "$1"
	[ -d ports ] && [ -d volumes ] || { mkdir -p images instances snapshots volumes ports && sync .; } || fail $UNFIT "the data directory $1 is not writable by $(id -un)"
	enter .
}
