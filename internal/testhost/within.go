package testhost

import (
	"fmt"
	"maps"
	"os"
	"slices"
)

// mountAndRun mounts files over files, as many as $1, and becomes a program. The
// mounts are gone with the last process of the namespace.
const mountAndRun = `n=$1
shift
while [ "$n" -gt 0 ]; do
	mount --bind "$1" "$2" || exit
	shift 2
	n=$((n - 1))
done
exec "$@"`

// within is the command that runs another one where the host is. Each part
// becomes the next, so that the process is the same.
func (o Options) within() []string {
	var argv []string
	if o.Link != nil {
		argv = append(argv, "nsenter", fmt.Sprintf("--net=/proc/%d/fd/%d", os.Getpid(), o.Link.namespace.Fd()), "--")
	}
	if len(o.Mounts) > 0 {
		argv = append(argv, "unshare", "--mount", "--propagation", "private", "--",
			"/bin/sh", "-c", mountAndRun, "sh", fmt.Sprint(len(o.Mounts)))
		for _, path := range slices.Sorted(maps.Keys(o.Mounts)) {
			argv = append(argv, o.Mounts[path], path)
		}
	}
	return argv
}
