# Takes a checkpoint of a guest while it runs: its memory is migrated, page by
# page, to a second QEMU, the receiver, which never runs it and whose memory is
# the file checkpoint.tmp/memory. The guest stands still only while the last
# dirty pages and the state of the devices are sent; at that instant its disk is
# switched to a new layer, so that the layers below are of the same instant.
#
# The lock is held and $pid is the guest's process. $machine is the machine
# definition at that instant; $mode is paused when somebody else has paused the
# guest, else running; $afterwards is on when the guest is to go on, off when it
# is to end. $patience is how many tenths of a second the guest has to let its
# memory be copied before it is stopped for that, and $downtime how many
# milliseconds of copying may be left when it is. With $above,
# which are to be the new layers, in groups as in lib/layers.sh, each of two words more, the
# node of what is below and of what is beneath that: $becomes is instance.json with
# them, $was without. $adds, $switch and $drops say it in QMP, line by line; the lines
# of $adds_below and $switches_below do for what is below, where the guest still
# writes to what is beneath.

capture() { # USER QEMU ARGS…: those of the receiver
	guest=$pid agent=no
	meets "$1"
	admit "$1"
	[ ! -d checkpoint ] || remove checkpoint || fail $FAILED "cannot remove its old checkpoint" # stale beside a process
	listen && forget_migration || fail $FAILED "$said"
	rm -rf checkpoint.tmp
	mkdir checkpoint.tmp && write checkpoint.tmp/machine.json "$machine" &&
		qemu-img create -q -f qcow2 checkpoint.tmp/device-state 64K || {
		rm -rf checkpoint.tmp
		fail $FAILED "cannot write a checkpoint"
	}
	end receiver "$uid" # of one whose switch was killed, too

	user=$1 said='cannot make run/migrate'
	shift
	rm -rf run/migrate
	mkdir run/migrate && own "$user" run/migrate && spawn receiver "$@" || {
		rm -rf checkpoint.tmp
		rm -f run/receiver.*
		fail $FAILED "$said"
	}
	receiver=$pid
	exec 7<run/receiver.out
	dead_mans_switch
	prepare_layers && migrate && save || abandon
}

meets() { # USER: fails unless the guest's process can reach the receiver, which is to be that user's
	[ "$LOGIN" = 0 ] || return 0
	is_of=$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$guest/status")
	[ "$is_of" = 0 ] || [ "$is_of" = "$(id -u "${1:-root}")" ] ||
		fail $INVALID "its process was started as user $is_of, and qemu_user is another one now: stop it and start it again first"
}

prepare_layers() {
	[ "$above" ] || return 0
	say control '{"execute":"query-block","id":"query-block"}'
	await 8 "$guest" 50 '"id": "query-block"' || return
	seen=$said nth=0 fresh=''
	# shellcheck disable=SC2086 # a list of words of ours
	each_layer 8 writes_below $above || return
	# An empty layer above shows what is below, so it may be named before it is used.
	# shellcheck disable=SC2086
	each_layer 8 make_layer $above && each_layer 8 own_as_below $above && each_layer 8 note_layer $above &&
		put instance.json "$becomes" $fresh || { said='cannot write a new layer of its disk' && return 1; }
	each_line add_layer "$adds"
}

writes_below() { # a layer as make_layer takes it, NODE NODE: the guest does, or it is made to
	nth=$((nth + 1))
	case $seen in
	*'"node-name": "'"$7"'"'*) ;;
	*'"node-name": "'"$8"'"'*) # of a copy that was killed with its switch when it had named it
		say control "$(printf '%s\n' "$adds_below" | sed -n "${nth}p")"
		await 8 "$guest" 50 '"id": "blockdev-add"' || [ $? -eq 1 ] || return # it may have been added
		say control "$(printf '%s\n' "$switches_below" | sed -n "${nth}p")"
		await 8 "$guest" 100 '"id": "transaction"' || return
		;;
	*) said="its guest does not write to disk/$2" && return 1 ;;
	esac
}

own_as_below() { (own "$(owner "disk/$2")" "disk/$1"); }

add_layer() { # LINE
	say control "$1"
	await 8 "$guest" 50 '"id": "blockdev-add"'
}

migrate() {
	hail receiver
	started await 7 "$receiver" 400 '"id": "hello"' || return
	say receiver '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"events","state":true}]},"id":"capabilities"}'
	say receiver '{"execute":"migrate-incoming","arguments":{"uri":"unix:run/migrate/sock"},"id":"listen"}'
	await 7 "$receiver" 50 '"id": "listen"' || return

	# Bandwidth is bounded by memory alone; $downtime of it is what may be left to
	# send while the guest stands still. A guest that dirties faster is slowed
	# down and in the end stopped: it converges always.
	parameters '"max-bandwidth":1099511627776,"downtime-limit":'"$downtime"
	case $mode$downtime in
	running0) begin_still || return ;;
	*) begin || return ;;
	esac
	await 8 "$guest" "$patience" '"status": "pre-switchover"'
	case $? in
	1) return 1 ;;
	2) say control '{"execute":"stop","id":"stop"}' && await 8 "$guest" 3000 '"status": "pre-switchover"' || return ;;
	esac

	# The guest stands still from here on.
	[ -z "$above" ] || say control "$switch"
	say control '{"execute":"migrate-continue","arguments":{"state":"pre-switchover"},"id":"continue"}'
	[ -z "$above" ] || await 8 "$guest" 100 '"id": "transaction"' || return
	await 8 "$guest" 600 '"status": "completed"' || return
	[ "$afterwards" = off ] || go_on || return
	await 7 "$receiver" 600 '"status": "completed"'
}

forget_migration() { # one whose shell and switch were both killed may be under way, takes a moment to end, and fails where its receiver is killed before
	say control '{"execute":"migrate_cancel","id":"cancel"}'
	tries=50
	until say control '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[{"capability":"events","state":true},{"capability":"pause-before-switchover","state":true},{"capability":"auto-converge","state":true},{"capability":"x-ignore-shared","state":false}]},"id":"capabilities"}' &&
		await 8 "$guest" 50 '"id": "capabilities"'; do
		[ $? -eq 1 ] && [ "$tries" -gt 0 ] && running "$guest" || return
		tries=$((tries - 1))
		sleep 0.1
	done
}

begin() { # that one before has failed may be said only now: QEMU is idle before it says so
	say control '{"execute":"migrate","arguments":{"uri":"unix:run/migrate/sock"},"id":"migrate"}'
	until await 8 "$guest" 50 '"status": "setup"'; do
		case $said in *'"event": "MIGRATION"'*) ;; *) return 1 ;; esac
	done
}

# QEMU asks which pages were dirtied, and copies them. A store of an emulated
# guest that is under way meanwhile is lost, so it stands still each time QEMU
# asks: in the beginning, and, with a downtime limit of 0, not again until all
# pages were sent once and it is stopped.
begin_still() {
	say control '{"execute":"stop","id":"stop"}'
	parameters '"max-bandwidth":1048576' # so that the end is not there before the guest goes on
	begin && await 8 "$guest" 100 '"event": "MIGRATION_PASS"' && go_on || return
	parameters '"max-bandwidth":1099511627776'
}

parameters() { # TEXT
	say control '{"execute":"migrate-set-parameters","arguments":{'"$1"'},"id":"parameters"}'
}

go_on() { # QEMU refuses for a moment, until it has finished with the migration
	tries=100
	until say control '{"execute":"cont","id":"cont"}' && await 8 "$guest" 100 '"id": "cont"'; do
		[ $? -eq 1 ] && [ "$tries" -gt 0 ] && running "$guest" || return
		tries=$((tries - 1))
		sleep 0.005
	done
}

save() { # the receiver has all memory in its file; the devices are written beside it
	# From 10.0 on a guest that has come and does not run may not write yet. QEMU before that does not know the command.
	say receiver '{"execute":"blockdev-set-active","arguments":{"node-name":"device-state","active":true},"id":"active"}'
	await 7 "$receiver" 50 '"id": "active"' || [ $? -eq 1 ] && running "$receiver" || return
	ignore_shared receiver
	job receiver 7 "$receiver" '{"execute":"snapshot-save","arguments":{"job-id":"save","tag":"checkpoint","vmstate":"device-state","devices":["device-state"]},"id":"save"}' || return
	say receiver '{"execute":"quit","id":"quit"}'
	gone "$receiver" 100 || { said='the receiver does not end' && return 1; }
	end_receiver
	sync checkpoint.tmp/* checkpoint.tmp || { said='cannot write the checkpoint' && return 1; }
}

abandon() { # leaves the guest as it was and ends the script
	case $said in
	*'"MIGRATION"'*'"failed"'*) # does not say why
		say control '{"execute":"query-migrate","id":"query-migrate"}'
		await 8 "$guest" 50 '"id": "query-migrate"' >/dev/null
		tail -n 2 run/control.log >&2
		;;
	esac
	reason=$said
	case $reason in '{'*) reason="QEMU says $reason" ;; esac
	tail -n 5 run/receiver.log >&2
	# The receiver is killed where there is no space for its memory, and cannot say it.
	[ ! -d checkpoint.tmp ] || head -c 65536 /dev/zero >checkpoint.tmp/room
	[ ! -d checkpoint ] || remove checkpoint
	recover
	disarm
	fail $FAILED "$reason"
}

recover() { # ends the receiver, lets the guest go on, from wherever the migration was, and forgets the new layers
	(end_receiver) # whatever becomes of it
	rm -rf checkpoint.tmp
	say control '{"execute":"migrate_cancel","id":"cancel"}'
	[ "$mode" != running ] || wake
	[ "$above" ] || return 0
	unused=yes
	each_line forget_layer "$drops" || return 0 # there is no QEMU
	# shellcheck disable=SC2086
	[ -z "$unused" ] || { restore instance.json "$was" && each_layer 8 drop_layer $above; }
}

forget_layer() { # LINE: all of them are in use, or none is
	say control "$1"
	until await 8 "$guest" 50 '"id": "blockdev-del"'; do
		case $said in
		*blockdev-del*) break ;; # it was refused
		'{'*) ;;                 # something else was, before
		*) return 1 ;;
		esac
	done
	case $said in
	*'"return": '* | *'Failed to find node'*) ;;
	*) unused='' ;; # the guest writes to it already
	esac
}

wake() {
	tries=50
	until say control '{"execute":"cont","id":"recover"}' && await 8 "$guest" 1 '"id": "recover"'; do
		[ "$tries" -gt 0 ] && running "$guest" || return 0
		tries=$((tries - 1))
		sleep 0.1
	done
}

end_receiver() {
	end receiver "$uid"
	rm -rf run/receiver.* run/migrate
}

dead_mans_switch() { # when this shell is killed: ends the receiver, and the guest goes on within a second
	read -r self _ </proc/self/stat
	(
		while running "$self"; do sleep 0.5 6>&- 9>&-; done
		if [ -d checkpoint ]; then
			say control '{"execute":"quit","id":"quit"}' # standby had committed
		else
			recover
		fi
	) </dev/null >/dev/null 2>&1 &
	watch=$!
}

disarm() { kill "$watch" 2>/dev/null; }
