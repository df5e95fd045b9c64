package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// A peak is the most memory that a provider had which a terraform has started.
type peak struct {
	stop, done chan struct{}
	kib        int
}

// watch looks at Terraform's children until end is called. The kernel keeps the
// most that each had (VmHWM of proc(5)), so that what is seen last counts.
func (p *peak) watch(terraform *os.Process) {
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(p.done)
		for {
			for _, pid := range children(terraform.Pid) {
				p.kib = max(p.kib, highWater(pid))
			}
			select {
			case <-p.stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
}

// end returns it, in MiB.
func (p *peak) end() float64 {
	if p.stop == nil {
		return 0
	}
	close(p.stop)
	<-p.done
	return float64(p.kib) / 1024
}

// children are the processes that any thread of a process has started.
func children(pid int) (pids []int) {
	tasks, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task") // empty when it has ended
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + task.Name() + "/children")
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// highWater is the most memory that a process had so far, in KiB.
func highWater(pid int) int {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // empty when it has ended
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.Atoi(fields[1]) // always a number
			return kib
		}
	}
	return 0
}
