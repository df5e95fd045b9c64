# What the scripts of this package share. It is read once by every shell.
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
MACHINE_ID=unknown
[ ! -r /etc/machine-id ] || read -r MACHINE_ID </etc/machine-id

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

# Others may put anything anywhere in a data directory. What stands in the place
# of a file or a directory of ours and is none may lead out of it, or hang who
# opens it: it is not touched, and nothing is done with the object that has it.

STRANGE='is not what belongs there, but a link or something else that somebody has put in its place: remove it by hand'

is() { # TEST PATH: it is of that kind, and no link to one, or there is nothing, whoever makes or removes it meanwhile
	[ ! -L "$2" ] && { [ ! -e "$2" ] || test "$1" "$2" || [ ! -e "$2" ]; }
}

genuine() { # OBJECT: fails where something else stands for a part of it
	for part in "${1%/*}" "$1" "$1/run" "$1/disk" "$1/boot" "$1/checkpoint" "$1/rollback" \
		"$1/rollback/disk" "$1/rollback/boot" "$1/rollback/checkpoint"; do
		is -d "$part" || fail $INVALID "$part $STRANGE"
	done
	for part in "$1/lock" "$1/maker" "$1/instance.json" "$1/snapshot.json" "$1/image.json" "$1/volume.json" "$1/network.json" "$1/data" "$1/leases" \
		"$1"/run/dnsmasq.* "$1"/run/control.* "$1"/run/receiver.* "$1"/run/passt.* "$1"/run/agent.* "$1/run/console.log" "$1/run/device-state" \
		"$1"/disk/*.qcow2 "$1"/disk/*.raw "$1"/boot/* \
		"$1"/checkpoint/* "$1/rollback/uid" "$1/rollback/instance.json" "$1"/rollback/*/*; do
		case $part in
		*/run/*.in | */run/agent.out) is -p "$part" ;;
		*) is -f "$part" ;;
		esac || fail $INVALID "$part $STRANGE"
	done
}

# Locks: the lock is on an inode, so once it is held the path must still be it.
# What it says is for people.

lock() { # DIR [-s]: until the script ends, DIR is ours, and nothing in it is half done
	hold "$@"
	[ "${2:-}" = -s ] || sweep "$1"
	[ -d "$1/rollback" ] || return 0
	take "$1" -x
	(cd "$1" && finish_rollback) || exit
}

hold() { # DIR [-s]: the lock alone
	[ -d "$1" ] || fail $NOT_FOUND "no directory $1"
	genuine "$1"
	command exec 9>>"$1/lock" || {
		[ ! -d "$1" ] || fail $FAILED "cannot open $1/lock"
		fail $NOT_FOUND "no directory $1"
	}
	take "$1" "${2:--x}"
	[ "$1/lock" -ef /proc/self/fd/9 ] || fail $CHANGED "it was removed meanwhile"
	printf '%s %s %s\n' "$$" "${LOGNAME:-somebody}" "${SSH_CONNECTION%% *}" 2>/dev/null >"$1/lock" || : # without space, too
}

take() { # DIR FLAG: waits for the lock that is open
	flock "$2" -w "$LOCK_SECONDS" 9 && return
	[ $? -eq 1 ] || fail $FAILED "$1 cannot be locked"
	fail $BUSY "$(holder "$1/lock") has held its lock for more than $LOCK_SECONDS s"
}

holder() { # LOCK: whoever took it last
	read -r its_pid its_user its_address <"$1" && [ -d "/proc/$its_pid" ] || {
		echo 'another process'
		return
	}
	echo "process $its_pid of $its_user${its_address:+, who is logged in from $its_address,}"
}

unchanged() { # FILE TEXT: fails unless FILE still holds TEXT
	[ "$(cat "$1" 2>/dev/null)" = "$2" ] || fail $CHANGED "$1 is not what it was when it was read"
}

# Commits: what is prepared under a name that does not count is synced, renamed
# into place, and the rename is synced. The name carries this shell's pid, and
# while the shell lives nobody else touches it.

put() { # FILE TEXT [PATH…]: replaces a small file, once what it speaks of is on the disk
	[ ! -e "$1.tmp" ] && [ ! -L "$1.tmp" ] || rm -f "$1.tmp"
	putting=$1
	write "$1.tmp" "$2" && shift 2 && sync "$@" "$putting.tmp" && mv -T "$putting.tmp" "$putting" || {
		rm -f "$putting.tmp"
		return 1
	}
	case $putting in */*) sync "${putting%/*}" ;; *) sync . ;; esac
}

restore() { # FILE TEXT: puts the text into it, unless it is there
	[ "$(cat "$1")" = "$2" ] || put "$1" "$2"
}

write() { # FILE TEXT: the shell does not say why it cannot, so then cat is to
	printf '%s\n' "$2" 2>/dev/null >"$1" || printf '%s\n' "$2" | cat >"$1"
}

plant() { # FILE SEED SIZE: writes a cloud-init seed that is given in base64. Only builtins have it, for it may hold secrets
	printf '%s' "$2" | base64 -d >"$1" && truncate -s "$3" "$1" && sync "$1"
}

remove() { # DIR [FILE…]: at once for all who look, then at leisure, and then the files
	removed=$1
	shift
	case $removed in */*) set -- "${removed%/*}" "$@" ;; *) set -- . "$@" ;; esac
	away=$1/.tmp-$$--${removed##*/} # no name begins with a hyphen: what is staged is called otherwise
	vacate "$away"
	mv -T "$removed" "$away" && sync "$1" && shift && rm -rf "$away" "$@"
}

# What was made is known to nobody until whoever had it made has heard of it, and
# said so. Until then OBJECT/maker names the process that the host has for their
# connection, by its pid, start time, boot and machine, and the uid. When that is
# gone, nobody ever will: the object makes room for another of its name.

maker() { # OBJECT: fails if it is known; sets $maker to whoever has yet to hear of it, or to nothing when they are gone
	[ -f "$1/maker" ] && [ ! -L "$1/maker" ] &&
		read -r maker its_start its_boot its_machine its_uid <"$1/maker" && is_number "$maker" && [ "$its_uid" ] || return 1
	[ "$its_machine" = "$MACHINE_ID" ] || return 0
	lives "$maker" "$its_start" "$its_boot" || maker=''
}

absent() { # OBJECT: fails if there is anything of its name, and waits for whoever is making it
	seconds=$LOCK_SECONDS
	while [ -e "$1" ] || [ -L "$1" ]; do
		maker "$1" || fail $EXISTS "$1 is there already"
		if [ -z "$maker" ]; then
			(make_room "$1") || case $? in
			"$NOT_FOUND" | "$CHANGED") ;; # somebody else was faster
			*) exit ;;
			esac
		elif [ "$seconds" -gt 0 ]; then
			seconds=$((seconds - 1))
			sleep 1
		else
			fail $BUSY "$1 is being made by somebody else, for whose connection the host has process $maker"
		fi
	done
}

make_room() { # OBJECT: deletes it, if it is known to nobody
	hold "$1"
	! maker "$1" || [ "$maker" ] || destroy "$1" "$its_uid"
}

# A network is the host's: to make one takes what root may, or of that these
# capabilities (bits of capability.h), as pam_cap gives them to a login: NET_ADMIN for
# its bridge, its rules and its taps, and with NET_BIND_SERVICE, for ports 53 and 67,
# for its dnsmasq, which is the login's. (Linux before 5.7 wants NET_RAW for that, too.)
# Whoever is not root has the names of guests where dnsmasq may read them anyhow.

empowered() { # fails unless the login may make networks
	[ "$LOGIN" != 0 ] || return 0
	missing=''
	for capability in 12:CAP_NET_ADMIN 10:CAP_NET_BIND_SERVICE; do
		[ $((0x$POWERS >> ${capability%%:*} & 1)) = 1 ] || missing="$missing ${capability#*:}"
	done
	[ -z "$missing" ] || fail $UNFIT "a network needs a login that is root, or has the capabilities for its bridge, its rules and its dnsmasq, and the login is $(id -un) without$missing: give it those (pam_cap, /etc/security/capability.conf), use a bridge that the host has, or another login"
}

names_of() { # NETWORK UID: sets $names, the directory of a file for each guest, which is an argument of dnsmasq, and has the uid
	names=$1/run/names-$2
	[ "$LOGIN" != 0 ] || names=/run/terraform-kvm/$2 # dnsmasq gives up what root may, and may not read in $1
}

lower() { # UID: in a network's directory: removes all that it has on the host
	empowered
	case $1 in '' | *[!0-9a-f-]*) fail $INVALID "$1 is not a network's uid" ;; esac
	end dnsmasq "$1"
	bridge=kvmnet${1%%-*}
	remove_taps "$bridge"
	nft delete table inet "$bridge" 2>/dev/null
	ip link del dev "$bridge" 2>/dev/null
	names_of "$PWD" "$1"
	rm -rf "$names"
	! ip link show dev "$bridge" >/dev/null 2>&1 || fail $FAILED "its bridge $bridge cannot be removed"
	! nft list table inet "$bridge" >/dev/null 2>&1 || fail $FAILED "its rules, table inet $bridge, cannot be removed"
}

remove_taps() { # BRIDGE: those that were made for guests of who is not root (see bridge.sh), none of which has one
	[ "$LOGIN" != 0 ] || return 0
	ip -o link show master "$1" type tun 2>/dev/null | sed -n 's/^[0-9]*: \(kvm[0-9a-f]*-[0-9a-f]*\): .*NO-CARRIER.*/\1/p' | while read -r tap; do
		ip link del dev "$tap"
	done
}

destroy() { # OBJECT UID: with its processes and its ports
	(cd "$1" && end control "$2" && end receiver "$2") || exit
	case $1 in
	instances/*)
		for claim in ports/*; do # not every find knows -lname
			[ ! "$claim" -ef "$1" ] || rm -f "$claim"
		done
		sync ports || fail $FAILED "cannot release its ports"
		;;
	volumes/*) free "$1" "$(sed -n 's/.*"layers":\[{"file":"\([0-9a-f]*\.qcow2\)".*/\1/p' "$1/volume.json")" '' ;;
	networks/*) (cd "$1" && lower "$2") || exit ;;
	esac
	remove "$1"
}

free() { # VOLUME TOP INSTANCE: fails where another instance has the volume, of which this is the top layer
	[ "$2" ] || return 0
	for link in instances/*/disk/"$2"; do
		[ -e "$link" ] && [ "$link" != "$3/disk/$2" ] || continue
		holder=${link%/disk/*}
		case $(cat "$holder/instance.json" 2>/dev/null) in
		*"\"$2\""*) fail $ATTACHED "$1 is attached to instance ${holder#*/}; detach it there first" ;;
		*'"uid":"'*) rm -f "$link" ;; # of an attachment that was killed, for which the lock of the volume was held
		*) fail $ATTACHED "$1 is attached to instance ${holder#*/}, whose metadata cannot be read" ;;
		esac
	done
}

stage() { # OBJECT [PART…]: makes $staged, in which it is prepared, with directories for its parts
	staged=${1%/*}/.tmp-$$-${1##*/} staging=$1
	vacate "$staged"
	shift
	for part; do
		shift
		set -- "$@" "$staged/$part"
	done
	mkdir "$staged" "$@" || unstage $FAILED "cannot make $staging"
	# The object is locked from its first moment on.
	command exec 6>>"$staged/lock" || unstage $FAILED "cannot make $staging"
	flock 6
}

unstage() { # STATUS MESSAGE: gives up what was staged, and fails
	rm -rf "$staged"
	fail "$@"
}

give() { # FROM PART FILE…: links to files of another object, in a part of what is staged
	from=$1 to=$staged/$2
	shift 2
	for file; do
		shift
		set -- "$@" "$from/$file"
	done
	ln "$@" "$to/" || unstage $FAILED "$from cannot be shared"
}

duplicate() { # FROM TO: a file of the login's own, whosever the other is
	cat "$1" >"$2" && sync "$2"
}

give_variables() { # FROM: a guest writes to those of its firmware, so what is staged gets its own
	[ ! -f "$1/boot/variables" ] || { mkdir -p "$staged/boot" && duplicate "$1/boot/variables" "$staged/boot/variables"; } ||
		unstage $FAILED "the firmware's variables of $1 cannot be copied"
}

commit() { # OBJECT METADATA TEXT [PORT…]: what is staged becomes it, unless there is one, and takes host ports
	new_uid=${3#*'"uid":"'} # it stands before all that users may put there
	proc_stat "$PPID" || proc_start=gone
	write "$staged/maker" "$PPID $proc_start $BOOT_ID $MACHINE_ID ${new_uid%%'"'*}" && write "$staged/$2" "$3" &&
		sync "$staged"/* "$staged" || unstage $FAILED "cannot write $1"
	until mv -T "$staged" "$1"; do # somebody was faster, of whom it may come out that they are gone
		[ -d "$1" ] || unstage $FAILED "cannot make $1"
		(absent "$1") || {
			status=$?
			rm -rf "$staged"
			exit $status
		}
	done
	committed=$1
	shift 3
	[ $# -eq 0 ] || (claim "${committed##*/}" "$@") || uncommit $? "$@"
	sync "${committed%/*}" ${1:+ports} || {
		echo "cannot write $committed" >&2
		uncommit $FAILED "$@"
	}
}

uncommit() { # STATUS PORT…: removes what was committed, and fails
	status=$1
	shift
	[ $# -eq 0 ] || release "${committed##*/}" "$@"
	remove "$committed"
	exit "$status"
}

vacate() { # PATH: almost always there is nothing, and no process is needed
	[ ! -e "$1" ] && [ ! -L "$1" ] || rm -rf "$1"
}

# A rollback is committed when rollback/ is there, with all that the instance is
# to have instead. That is then linked into its place, in steps that can be done
# again: whoever locks the instance after a shell that died there does them all.
# The end is that rollback/instance.json is gone.

finish_rollback() { # in the directory of an instance that is locked
	if [ -f rollback/instance.json ]; then
		read -r owner <rollback/uid
		end control "$owner"
		end receiver "$owner"
		[ ! -f run/console.log ] || : >run/console.log # it is of another life
		for part in disk boot checkpoint; do
			rm -rf "$part" "$part.tmp"
			[ -d "rollback/$part" ] || continue
			mkdir "$part.tmp" && ln "rollback/$part"/* "$part.tmp/" && sync "$part.tmp" && mv -T "$part.tmp" "$part" ||
				fail $FAILED "cannot put $part into its place"
		done
		put instance.json "$(cat rollback/instance.json)" && rm rollback/instance.json && sync rollback ||
			fail $FAILED "cannot write to the instance's directory"
	fi
	rm -rf rollback
}

sweep() { # DIR…: removes what shells that have died left there
	for dir; do
		for left in "$dir"/.tmp-*-*; do
			[ -e "$left" ] || [ -L "$left" ] || continue
			maker=${left#"$dir"/.tmp-}
			[ -d "/proc/${maker%%-*}" ] || rm -rf "$left"
		done
	done
}

claim() { # INSTANCE PORT…: takes host ports, which whoever calls it syncs; a claim whose instance is gone is void, and one at a time takes it over
	owner=$1
	shift
	for port; do
		ln -sT "../instances/$owner" "ports/$port" 2>/dev/null && continue # -T: not into the owner's directory
		exec 5<ports
		flock 5
		[ -d "ports/$port" ] || ln -sfT "../instances/$owner" "ports/$port"
		exec 5<&-
		[ "ports/$port" -ef "instances/$owner" ] && continue
		said=$(readlink "ports/$port")
		case $said in
		'') fail $FAILED "cannot claim port $port" ;;
		../instances/*) fail $PORT "port $port belongs to instance ${said##*/}" ;;
		*) fail $PORT "ports/$port $STRANGE" ;;
		esac
	done
}

release() { # INSTANCE PORT…
	owner=$1
	shift
	for port; do
		[ ! "ports/$port" -ef "instances/$owner" ] || rm -f "ports/$port"
	done
	sync ports
}

# Layers come in groups of words: the name of a new layer and of what is below it,
# and an empty qcow2 image in three pieces, as printf takes them, with where the
# second one is. The third is a cluster later.

# shellcheck disable=SC2317 # by each_layer
make_layer() { # two processes; qemu-img, which makes the same, costs five times as much
	command : >"disk/$1" && append "disk/$1" "$3" && truncate -s "$4" "disk/$1" && append "disk/$1" "$5" &&
		truncate -s $(($4 + 65536)) "disk/$1" && append "disk/$1" "$6"
}
drop_layer() { rm -f "disk/$1"; }
note_layer() { fresh="${fresh:-disk} disk/$1"; } # $fresh is what is to be synced

append() { # FILE ESCAPED: the shell does not say why it cannot, so then cat is to
	printf %b "$2" 2>/dev/null >>"$1" || printf %b "$2" | cat >>"$1"
}

each_layer() { # COUNT COMMAND WORD…: runs it with each group of so many words
	group=$1 task=$2
	shift 2
	while [ $# -ge "$group" ]; do
		"$task" "$@" || return
		shift "$group"
	done
}

each_line() { # COMMAND LINES: runs it with each line
	lines=$2
	while [ "$lines" ]; do
		case $lines in
		*"$NEWLINE"*) one=${lines%%"$NEWLINE"*} lines=${lines#*"$NEWLINE"} ;;
		*) one=$lines lines='' ;;
		esac
		"$1" "$one" || return
	done
}

# QEMU appends what a guest says on its serial console to a file, as fast as the
# guest says it. Whoever looks cuts off the beginning of one that has become long.
# What the guest says in the milliseconds that this takes is lost. Two who do it at
# once write the same.

CONSOLE_BYTES=1048576 # what is kept, of twice as much

bound_console() { # LOG TEMPORARY
	[ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %s "$1")" -gt $((2 * CONSOLE_BYTES)) ] || return 0
	rm -f "$2"
	tail -c "$CONSOLE_BYTES" "$1" >"$2" && cat "$2" 1<>"$1" &&
		[ "$(stat -c %s "$1")" -gt "$CONSOLE_BYTES" ] && truncate -s "$CONSOLE_BYTES" "$1" # unless it was begun anew
	rm -f "$2"
}

bound_consoles() { # in the data directory; almost always there is none to be cut
	# shellcheck disable=SC2044 # our names have no blanks
	for log in $(find instances -maxdepth 3 -type f -path '*/run/console.log' -size +$((CONSOLE_BYTES / 256))); do
		case $log in instances/*/run/console.log) bound_console "$log" ".tmp-$$-console" ;; esac
	done
}

# Processes: a process is an instance's when it has the pid, the start time and
# the boot that were recorded before QEMU was executed, and carries the uid. It
# is killed on that proof only. A zombie is dead, and so is what may not be looked
# at: it is not ours.

is_number() { # TEXT: a pid is a part of a path, and no record of one is trusted to be no other path
	case $1 in '' | *[!0-9]*) return 1 ;; esac
}

proc_stat() { # PID: sets $proc_state and $proc_start
	{ IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# shellcheck disable=SC2086 # it is to be split
	set -- ${stat##*) }
	proc_state=$1 proc_start=${20}
}

lives() { # PID START BOOT: as they were recorded on this machine
	[ "$3" = "$BOOT_ID" ] && proc_stat "$1" && [ "$proc_start" = "$2" ] || return 1
	case $proc_state in Z | X) return 1 ;; esac
}

alive() { # NAME UID: in an instance's directory; sets $pid
	pid='' its_start='' its_boot='' its_machine=''
	[ "$2" ] && [ -f "run/$1.pid" ] || return 1
	read -r pid its_start its_boot its_machine <"run/$1.pid" && is_number "$pid" && [ "$its_machine" ] || return 1
	[ "$its_machine" = "$MACHINE_ID" ] || fail $INVALID "its process is on another machine, $its_machine, which shares the data directory"
	lives "$pid" "$its_start" "$its_boot" || return 1
	{ IFS= read -r its_arguments <"/proc/$pid/cmdline"; } 2>/dev/null
	case $its_arguments in *"$2"*) ;; *) return 1 ;; esac
}

runs() { # NAME UID: alive, and its guest has run; one that never has, or whose cards are being replaced, is what a start left that died
	alive "$1" "$2" && [ ! -f run/replacing ] && grep -qs '"event": "RESUME"' "run/$1.out"
}

spawn() { # NAME QEMU ARGS…: starts QEMU in the background, with a channel to its guest's agent where $agent is yes; sets $pid
	spawned=$1 pid=''
	shift
	fifos="run/$spawned.in" old=''
	[ "$spawned${agent:-}" != controlyes ] || fifos="$fifos run/agent.in run/agent.out"
	for left in $fifos "run/$spawned.out" "run/$spawned.log" run/pending; do
		[ ! -e "$left" ] || [ "$spawned$left" = receiverrun/pending ] || old="$old $left"
	done
	# shellcheck disable=SC2086 # lists of names of ours
	{ [ -z "$old" ] || rm -f $old; } && mkfifo $fifos && command : >"run/$spawned.out" || { said='cannot make its control channel' && return 1; }
	reserve "$spawned" || return
	(
		# The record is there before the process is: nothing can be lost between.
		proc_stat self
		read -r self _ </proc/self/stat
		write "run/$spawned.pid" "$self $proc_start $BOOT_ID $MACHINE_ID" || exit
		# shellcheck disable=SC2086 # words of ours
		exec setsid $PLAINLY "$@" </dev/null >"run/$spawned.log" 2>&1 5>&- 6>&- 9>&-
	) &
	pid=$!
}

# Root may have QEMU become another user, after it has opened its files. What it
# opens by name later is that user's: the layer that it writes, which it opens anew
# when another one goes above, and the directory of the socket over which memory
# goes. On its way there, which begins in the instance's directory, it may pass
# through directories; those it may neither list nor write to, since root trusts
# them, and nobody else gets that far, since those above are closed.

admit() { # USER: in an instance's directory; "" for nobody
	[ "$LOGIN" = 0 ] || [ "$1" ] || return 0
	bits=0700
	[ -z "$1" ] || { may_become "$1" && bits=0711; }
	parts=.
	for part in run disk; do
		[ ! -d "$part" ] || parts="$parts $part"
	done
	# shellcheck disable=SC2086 # a list of names of ours
	chmod "$bits" $parts || fail $FAILED "cannot change the mode of its directories"
}

may_become() { # USER: fails unless QEMU may
	[ "$LOGIN" = 0 ] || fail $UNFIT "qemu_user is $1, but the login is $(id -un), and only root can become another user: leave qemu_user out"
	case $(id -u "$1" 2>/dev/null) in
	'') fail $UNFIT "qemu_user is $1, and there is no such user (useradd --system --no-create-home --shell /usr/sbin/nologin $1)" ;;
	0) fail $UNFIT "qemu_user is $1, and that is root" ;;
	esac
}

own() { # USER PATH: makes it that user's, if there is one
	[ -z "$1" ] || chown "$1" "$2" || fail $FAILED "$2 cannot be made user $1's"
}

owner() { # FILE: the user id of whom it is; "" where that can be the login only
	[ "$LOGIN" != 0 ] || stat -c %u "$1"
}

reserve() { # NAME: room for what QEMU says next, which tells the state of its guest also when the disk is full
	size=0
	[ ! -s "run/$1.out" ] || size=$(stat -c %s "run/$1.out")
	said=$(fallocate -n -l $((size + 65536)) "run/$1.out" 2>&1) && return
	case $said in
	*'No space left'* | *quota*) said="there is no room for what QEMU answers: $said" && return 1 ;;
	esac # else its filesystem does not know how
}

running() { # PID
	proc_stat "$1" && [ "$proc_state" != Z ]
}

end() { # NAME UID: kills the instance's process, if there is one; with its guest's, passt, which would not take long
	[ "$1" != control ] || [ ! -f run/passt.pid ] || end passt "$2"
	alive "$1" "$2" || return 0
	kill -9 "$pid"
	gone "$pid" 100 || fail $FAILED "process $pid does not end"
	rm -f "run/$1.pid"
}

gone() { # PID TENTHS: waits until the process has ended
	tenths=$2
	while running "$1"; do
		[ "$tenths" -gt 0 ] || return 1
		tenths=$((tenths - 1))
		sleep 0.1
	done
}

# Conversations with QEMU: say writes a line to a control channel, await reads
# what QEMU answers, line by line, until one matches. Every line read is printed,
# so that the caller sees the conversation. They take no round trip of SSH's: the
# time for which a guest is paused does not depend on the network. Each look is a
# process. Where $pace is set, in milliseconds, the first is after so many and the
# next ever later: what takes long on a busy host is not to make it busier.

say() { # NAME LINE
	printf '%s\n' "$2" 1<>"run/$1.in"
}

listen() { # opens the control channel of a process that has run for a while, at its end; or sets $said
	reserve control || return
	exec 8<run/control.out
	cat <&8 >/dev/null
	finish_pending || :
	finish_growth || :
}

# What is done to a guest's disk while it runs is decided by instance.json, which
# names the disk's top layer or does not. run/pending, written before QEMU is told
# anything, has the layer, and lines that begin with "with" or "without" and go on
# with what is to be said to QEMU then. Some of it may have been said.

finish_pending() { # in an instance's directory: says what a script had yet to say that was killed, or fails; 0 when QEMU did the last of it
	[ -f run/pending ] || return 0
	read -r said <run/pending
	case $(cat instance.json) in *"\"$said\""*) is=with ;; *) is=without ;; esac
	said='"return": {}'
	while read -r task line; do
		[ "$task" = $is ] || continue
		task=$line tries=100
		until tell "$task"; do
			case $said in *' in use'*) ;; *) break ;; esac
			tries=$((tries - 1))
			[ "$tries" -gt 0 ] && sleep 0.1 || break
		done
	done <run/pending
	rm -f run/pending
	case $said in *'"return": {}'*) ;; *) return 1 ;; esac
}

# A disk grows after its metadata says so: one that is larger would be cut off some
# day. Until it has, run/growing has its top layer and its size, and for a guest that
# runs the line that QEMU is told.

finish_growth() { # in an instance's directory: what a script had yet to do that was killed; $pid is its process, or nothing
	[ -f run/growing ] || return 0
	read -r grown grows_to <run/growing
	case $(cat instance.json) in
	*"\"size_bytes\":$grows_to,\"layers\":[{\"file\":\"$grown\""*)
		if [ "$pid" ]; then
			line=$(sed -n 2p run/growing)
			[ -z "$line" ] || tell "$line" || return
		elif [ "$(stat -c %h "disk/$grown")" -eq 1 ]; then
			qemu-img resize -q -f qcow2 "disk/$grown" "$grows_to" && sync "disk/$grown" || return
		fi
		;;
	esac
	rm -f run/growing
}

tell() { # LINE: has QEMU do it, which has nothing to answer but that it did
	say control "$1"
	id=${1##*'"id":'} # events have ids, too
	await 8 "$pid" 50 "\"id\": ${id%\}}" >/dev/null || return
	case $said in *'"return": {}'*) ;; *) return 1 ;; esac
}

await() { # FD PID TENTHS TEXT: 0 when a line had TEXT, 1 when QEMU refused or ended, 2 when time is up; sets $said
	rest=$(($3 * 100)) partial='' step=${pace:-5} # milliseconds
	while :; do
		if IFS= read -r line <&"$1"; then
			line=$partial$line partial='' said=$line
			printf '%s\n' "$line"
			case $line in
			*'"error": {'* | *'"status": "failed"'* | *'"status": "aborting"'*) return 1 ;;
			*"$4"*) return 0 ;;
			esac
		else
			partial=$partial$line
			running "$2" || { said='QEMU ended' && return 1; }
			[ "$rest" -gt 0 ] || { said="QEMU did not answer in time with $4" && return 2; }
			rest=$((rest - step))
			case $step in ?) sleep "0.00$step" ;; ??) sleep "0.0$step" ;; *) sleep "0.$step" ;; esac
			[ -z "${pace:-}" ] || step=$((step < 80 ? step + step / 4 : 100))
		fi
	done
}

hail() { # NAME: opens the control channel of a process just spawned. What is said from now on it hears when it has started
	exec 4<>"run/$1.in" # what nobody holds open is lost
	say "$1" '{"execute":"qmp_capabilities","id":"hello"}'
}

greet() { # NAME FD PID: waits until it has started
	pace=20
	await "$2" "$3" 400 '"id": "hello"' || return
	pace=
	exec 4<&-
}

job() { # NAME FD PID LINE: has QEMU do a job, and waits for its end
	say "$1" "$4"
	job_ends "$1" "$2" "$3"
}

job_ends() { # NAME FD PID
	await "$2" "$3" 600 '"status": "concluded"' && return
	case $said in *'"error": {'*) return 1 ;; esac # it was not begun
	say "$1" '{"execute":"query-jobs","id":"jobs"}' # the job says what went wrong
	until await "$2" "$3" 50 '"id": "jobs"'; do
		case $said in *'"status": "aborting"'*) ;; *) break ;; esac
	done
	return 1
}

ignore_shared() { # NAME: device state is saved and loaded without the memory, which is a file beside it
	say "$1" '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"x-ignore-shared","state":true}]},"id":"ignore-shared"}'
}
