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
