# Gives a guest the passt that its network card of that type needs: a process of
# its own, which ends with its QEMU, and is ended with that in every other way (end
# in lib/processes.sh). QEMU could not start it, for its sandbox forbids that. $passt are its
# arguments, words of ours. start.sh, to which this belongs, runs in the instance's
# directory.

open_passt() { # has it listen for QEMU, or sets $said
	command -v passt >/dev/null || { said="the command passt is missing (Debian: apt-get install passt)" && return 1; }
	end passt "$uid"
	pid=''
	rm -f run/passt.log run/passt.err run/control.log
	# Before it opens its socket it has become its user, or, from 2025 on, is still root,
	# but may no more than others. So that is in a directory of that user's and root's
	# group, in which it begins: there is no way there for others. Its log is bounded
	# (1 MiB) by itself.
	its_user='' bits=0700
	[ "$LOGIN" != 0 ] || its_user=${user:-nobody} bits=0770
	rm -rf run/passt
	mkdir -m "$bits" run/passt && own "$its_user" run/passt || { said='cannot make run/passt' && return 1; }
	(
		proc_stat self
		read -r self _ </proc/self/stat
		write run/passt.pid "$self $proc_start $BOOT_ID $MACHINE_ID" || exit
		log=$PWD/run/passt.log
		exec 2>run/passt.err
		cd run/passt && umask 0077 || exit
		# shellcheck disable=SC2086 # they are to be split
		exec setsid $PLAINLY passt --log-file "$log" ${its_user:+--runas "$its_user"} $passt </dev/null >&2 5>&- 6>&- 9>&-
	) &
	served=$! tries=250
	until listens; do
		[ "$tries" -gt 0 ] && running "$served" || {
			cat run/passt.err >&2
			said='passt does not start' && return 1
		}
		tries=$((tries - 1))
		sleep 0.02
	done
}

listens() { # it says so last, of some versions also where it could not
	[ -S "run/passt/$uid" ] || return
	while IFS= read -r line; do
		case $line in *'can now start qemu'*) return ;; esac
	done <run/passt.log
	return 1
} 2>/dev/null
