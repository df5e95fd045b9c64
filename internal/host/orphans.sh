# Prints the pids of an instance's processes, where its directory was removed
# from under them. $1 uid.
# shellcheck disable=SC2062 # the pattern comes as input: grep is not to find itself
printf '%s\n' "$1" | grep -lsF -f - /proc/[0-9]*/cmdline | while IFS=/ read -r _ _ pid _; do
	case $(readlink "/proc/$pid/cwd") in
	*' (deleted)') echo "$pid" ;;
	/ | '') case $(cat "/proc/$pid/comm") in passt*) echo "$pid" ;; esac ;; # it is in a sandbox
	esac
done
