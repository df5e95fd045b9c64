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
