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
