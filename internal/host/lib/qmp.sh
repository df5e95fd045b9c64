# Conversations with QEMU: say writes a line to a control channel, await reads
# what QEMU answers, line by line, until one matches. Every line read is printed,
# so that the caller sees the conversation. They take no round trip of SSH's: the
# time for which a guest is paused does not depend on the network. Each look is a
# process. Where $pace is set, in milliseconds, which is what it takes at least, the
# first is after so many, the next soon, and others ever later: what takes long on a
# busy host is not to make it busier.

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

tell() { # LINE: has QEMU do it, which has nothing to answer but that it did
	say control "$1"
	id=${1##*'"id":'} # events have ids, too
	await 8 "$pid" 50 "\"id\": ${id%\}}" >/dev/null || return
	case $said in *'"return": {}'*) ;; *) return 1 ;; esac
}

await() { # FD PID TENTHS TEXT: 0 when a line had TEXT, 1 when QEMU refused or ended, 2 when time is up; sets $said
	rest=$(($3 * 100)) partial='' step=${pace:-5} next=$((${pace:-0} / 4)) # milliseconds
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
			[ -z "${pace:-}" ] || step=$next next=$((next < 80 ? next + next / 4 : 100))
		fi
	done
}

hail() { # NAME: opens the control channel of a process just spawned. What is said from now on it hears when it has started, for which to wait
	exec 4<>"run/$1.in" # what nobody holds open is lost
	say "$1" '{"execute":"qmp_capabilities","id":"hello"}'
}

started() { # COMMAND…: it awaits what a process that has just been hailed says when it has started
	pace=40
	"$@" || return
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
