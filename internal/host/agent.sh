# Conversations with the guest's agent, qemu-ga: a line of JSON each way, through
# the FIFOs run/agent.in and run/agent.out. The lock is held, $pid is the guest's
# process, and its control channel is open. What a guest says is shown or compared
# and never obeyed. To speak and to hear have time limits, for a guest may do
# neither; what waits here when the script is killed keeps the lock until then, so
# that nobody else takes an answer for theirs.

port_is_open() { # fails while nobody in the guest has opened the channel: what is said to nobody would pile up
	say control '{"execute":"query-chardev","id":"query-chardev"}'
	await 8 "$pid" 50 '"id": "query-chardev"' >/dev/null || return
	its_port=${said%%'"label": "agent"'*}
	its_rest=${said#"$its_port"}
	case ${its_port##*'{'}${its_rest%%'}'*} in
	*'"frontend-open": true'*) ;;
	*) said='no guest agent has opened its channel' && return 1 ;;
	esac
}

tell_agent() { # LINE: on nobody's list of arguments
	printf '%s\n' "$1" | timeout 5 tee run/agent.in >/dev/null && return
	said='the guest agent does not listen' && return 1
}

hear() { # SECONDS: sets $heard to the agent's next line
	# shellcheck disable=SC2016 # that shell's line
	heard=$(timeout "$1" sh -c 'IFS= read -r line && printf "%s\n" "$line"' <&4) && return
	said="the guest agent did not answer within $1 s" && return 1
}

ask() { # LINE SECONDS: sets $heard to what the agent returns
	tell_agent "$1" && hear "$2" || return
	case $heard in *'{"return": '*) ;; *) said="the guest agent says $heard" && return 1 ;; esac
}

converse() { # SECONDS: opens a conversation, as soon as the agent answers, which each time it has $patience seconds for, or 5
	end=$(($(date +%s) + $1))
	exec 4<>run/agent.out
	until port_is_open && synchronize; do
		running "$pid" || { said='QEMU ended' && return 1; }
		[ "$(date +%s)" -lt "$end" ] || return
		sleep 0.2
	done
}

synchronize() { # what was said before, and not answered or not heard, counts no more
	read -r token _ </proc/uptime
	token=$$${token%.*}${token#*.}
	tell_agent "$(printf '\377')"'{"execute":"guest-sync-delimited","arguments":{"id":'"$token"'}}' || return
	while hear "${patience:-5}"; do
		case $heard in *'{"return": '"$token"'}') return ;; esac
	done
	return 1
}

set_clock() { # that of the guest stands where its checkpoint was taken
	now=$(date +%s%N)
	[ ${#now} -eq 19 ] || now=$(date +%s)500000000 # not every date knows nanoseconds
	# It sets the guest's clock and then fails where the guest has no hwclock.
	ask '{"execute":"guest-set-time","arguments":{"time":'"$now"'}}' 30 || clock_is "$now" || return
	say control '{"execute":"rtc-reset-reinjection","id":"rtc"}'
}

clock_is() { # NANOSECONDS: it is, give or take two seconds
	problem=$said
	ask '{"execute":"guest-get-time"}' 10 || return
	its_time=${heard#*'{"return": '}
	its_time=${its_time%%'}'*}
	case $its_time in '' | *[!0-9]* | ????????????????????*) ;; *)
		[ $(((its_time - $1) / 2000000000)) -ne 0 ] || return 0
		;;
	esac
	said=$problem
	return 1
}

agent_answers() { # fails unless what went wrong was an error of the agent's
	case $said in *'"error": '*) ;; *) return 1 ;; esac
}

run_in_guest() { # LINE SECONDS: a guest-exec; prints how it ended, if it did
	ask "$1" 10 || return
	job=${heard#*'"pid": '}
	job=${job%%[!0-9]*}
	is_number "$job" || { said="the guest agent says $heard" && return 1; }
	end=$(($(date +%s) + $2))
	while ask '{"execute":"guest-exec-status","arguments":{"pid":'"$job"'}}' 10; do
		case $heard in *'"exited": true'*) printf '%s\n' "$heard" && return ;; esac
		[ "$(date +%s)" -lt "$end" ] || { said="what runs in the guest has not ended within $2 s" && return 1; }
		sleep 0.1
	done
	return 1
}
