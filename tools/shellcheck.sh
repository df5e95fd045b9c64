#!/bin/sh
# Checks the shell scripts. Those of internal/host run on a host, in one shell
# behind those of internal/host/lib and, some of them, behind capture.sh, disks.sh or
# agent.sh: they are checked as if they read these first. SC2015 is off there: in
# "a && b || fail" fail never returns.
set -eu
cd "$(dirname "$0")/.."

shellcheck tools/*.sh .ci/run internal/testhost/debian/*.sh
lib=$(printf '. %s; ' internal/host/lib/*.sh)
printf %s "$lib" | shellcheck -x -a -s dash -e SC2015 -

status=0
for script in internal/host/*.sh; do
	before=$lib with_sources=
	case ${script##*/} in
	capture.sh | disks.sh | agent.sh | bridge.sh | passt.sh) continue ;;
	start.sh) before="$before. internal/host/bridge.sh; . internal/host/passt.sh; " with_sources=-a ;; # they are checked here
	awaken.sh) before="$before. internal/host/agent.sh; " with_sources=-a ;; # agent.sh is checked here
	addresses.sh | ping.sh | stop.sh) before="$before. internal/host/agent.sh; " ;;
	renew.sh | reseed.sh) before= ;; # runs in a guest
	copy.sh) before="$before. internal/host/capture.sh; " with_sources=-a ;; # capture.sh is checked here
	standby.sh | resume.sh) before="$before. internal/host/capture.sh; " ;;
	attach.sh) before="$before. internal/host/disks.sh; " with_sources=-a ;; # disks.sh is checked here
	detach.sh | grow-disk.sh | give-back.sh) before="$before. internal/host/disks.sh; " ;;
	esac
	# What goes before stands on the first line, so that line numbers are right.
	found=$({ printf %s "$before"; cat "$script"; } | shellcheck -x $with_sources -s dash -e SC2015 -f gcc -) || {
		printf '%s\n' "$found" | sed "s|^-:|$script:|"
		status=1
	}
done
exit $status
