package testhost

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// StopSSHD ends the server and every connection at once, as when the host
// becomes unreachable. What was started over a connection lives on, if it does
// not end by itself when its connection does.
func (h *Host) StopSSHD() {
	if !h.sshd.running() {
		return
	}
	for _, pid := range freezeSSHD(h.sshd.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may just have ended
	}
	<-h.sshd.ended
}

// RestartSSHD ends the server that listens, and starts another one: connections
// live on, as they do when the system restarts its SSH service.
func (h *Host) RestartSSHD(ctx context.Context) error {
	if err := syscall.Kill(h.sshd.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end sshd: %w", err)
	}
	<-h.sshd.ended
	return h.StartSSHD(ctx)
}

// freezeSSHD stops a server and its connections, so that none is added while
// they are counted, and returns them. Killed one by one, a process could fork
// before its turn and the child would no longer be known as the server's.
func freezeSSHD(server int) []int {
	for frozen, end := 0, time.Now().Add(goodbye); ; {
		processes := append([]int{server}, sshdChildren(server)...)
		if allFrozen(processes) {
			frozen++
		} else {
			frozen = 0
		}
		// One may have forked between the listing and its own stopping: what a
		// second listing shows is all.
		if frozen == 2 || time.Now().After(end) {
			return processes
		}
		for _, pid := range processes {
			_ = syscall.Kill(pid, syscall.SIGSTOP) // it may just have ended
		}
	}
}

func allFrozen(pids []int) bool {
	for _, pid := range pids {
		if stat, ok := readStat(pid); ok && !stat.stopped && !stat.ended {
			return false
		}
	}
	return true
}

// sshdChildren are the descendants of an sshd that are sshd themselves: the
// processes of its connections, not what was started through them.
func sshdChildren(server int) []int {
	children := map[int][]int{}
	for _, pid := range allPIDs() {
		if stat, ok := readStat(pid); ok && strings.HasPrefix(stat.name, "sshd") {
			children[stat.parent] = append(children[stat.parent], pid)
		}
	}
	found := children[server]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}
