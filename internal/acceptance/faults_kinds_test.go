package acceptance_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A fault is what comes to harm, and when it can.
type fault struct {
	name   string
	at     []string
	fits   func(operation) bool // nil: whatever the operation
	strike func(c *trial, provider int) (lost bool)

	kills    bool // the provider, so that what it knew is lost
	helpless bool // nobody is left on the host to let a guest go on
	dies     bool // a process that is to run has ended, and what was done may have to be done again
}

// interruptGrace is what an interrupted Terraform takes to tell its provider.
const interruptGrace = 300 * time.Millisecond

var faults = []fault{
	{name: "connection reset", at: []string{before, during, behind}, strike: func(c *trial, _ int) bool {
		c.proxy.Reset()
		return true
	}},
	{name: "connection half-open", at: []string{before, during, behind}, strike: func(c *trial, _ int) bool {
		c.proxy.Freeze()
		return true
	}},
	{name: "provider killed", at: []string{before, during, behind}, kills: true, strike: func(_ *trial, provider int) bool {
		_ = syscall.Kill(provider, syscall.SIGKILL) // it may just have ended
		return false
	}},
	{name: "Terraform interrupted", at: []string{before, during}, strike: func(c *trial, _ int) bool {
		c.interrupt()
		return false
	}},
	{name: "Terraform interrupted twice", at: []string{before, during, behind}, kills: true, strike: func(c *trial, _ int) bool {
		c.interrupt()
		c.interrupt()
		return false
	}},
	{name: "QEMU killed", at: []string{before, during, behind}, fits: func(o operation) bool { return o.process }, dies: true, strike: func(c *trial, _ int) bool {
		killAll(c.recorded("control"))
		return false
	}},
	{name: "dnsmasq killed", at: []string{during, behind}, fits: func(o operation) bool { return o.networks }, dies: true, strike: func(c *trial, _ int) bool {
		killAll(c.lab.dnsmasqs("networks/" + c.prefix + "-"))
		return false
	}},
	{name: "receiver killed", at: []string{during}, fits: func(o operation) bool { return o.copies }, strike: func(c *trial, _ int) bool {
		for pids := []int(nil); len(pids) == 0; time.Sleep(time.Millisecond) {
			pids = c.recorded("receiver")
			killAll(pids)
			select {
			case <-c.conductor.over:
				return false
			default:
			}
		}
		return false
	}},
	{name: "host's shell killed", at: []string{during}, strike: func(c *trial, _ int) bool {
		killAll(c.shells(2))
		return false
	}},
	{name: "host's shells all killed", at: []string{during}, fits: func(o operation) bool { return o.copies }, helpless: true, strike: func(c *trial, _ int) bool {
		killAll(c.shells(9))
		return false
	}},
}

func killAll(pids []int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may just have ended
	}
}

// interrupt presses Ctrl-C.
func (c *trial) interrupt() {
	if p := c.apply.Process; p != nil {
		_ = syscall.Kill(-p.Pid, syscall.SIGINT) // it may just have ended
		time.Sleep(interruptGrace)
	}
}

// recorded are the processes of that name that the trial's instances have.
func (c *trial) recorded(name string) (pids []int) {
	files, _ := filepath.Glob(filepath.Join(c.lab.DataDir, "instances", c.prefix+"-*", "run", name+".pid")) // the pattern is well-formed
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may just have gone
		first, _, _ := strings.Cut(string(text), " ")
		pid, err := strconv.Atoi(first)
		if err != nil {
			continue
		}
		if command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); bytes.Contains(command, []byte("qemu")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// shells are the host's shells on connections through the trial's proxy, down to a
// depth: 1 are those that are kept, 2 those of scripts, and below are what scripts
// start, of which one is the dead man's switch.
func (c *trial) shells(depth int) (pids []int) {
	connections := map[string]bool{}
	for _, connection := range c.proxy.Connections() {
		connections["SSH_CONNECTION="+connection] = true
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/comm") // the pattern is well-formed
	for _, file := range commands {
		environment, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ")) // it may just have gone
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || !slices.ContainsFunc(strings.Split(string(environment), "\x00"), func(v string) bool { return connections[v] }) {
			continue
		}
		if above := shellsAbove(pid); above >= 1 && above <= depth {
			pids = append(pids, pid)
		}
	}
	return pids
}

// shellsAbove counts a shell and the shells that it is a child of; 0 for what is none.
func shellsAbove(pid int) (n int) {
	for {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // it may just have gone
		before, after, _ := strings.Cut(string(stat), ") ")
		if !strings.HasSuffix(before, "(sh") {
			return n
		}
		n++
		if _, err := fmt.Sscanf(after, "%s %d", new(string), &pid); err != nil {
			return n
		}
	}
}
