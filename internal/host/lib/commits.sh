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

vacate() { # PATH: almost always there is nothing, and no process is needed
	[ ! -e "$1" ] && [ ! -L "$1" ] || rm -rf "$1"
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
