package testhost

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// Terraform, as plugin-testing runs it, is one of those processes.
func TestLink_EndsNoProcessThatIsToEndWithTheThreadThatStartedIt(t *testing.T) {
	const threads = 8
	var processes [threads]*exec.Cmd
	var started, done sync.WaitGroup
	started.Add(threads)
	for i := range processes {
		processes[i] = exec.Command("sleep", "600")
		processes[i].SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if err := processes[i].Start(); err != nil {
				t.Error(err)
			}
			started.Done()
			started.Wait() // so that each has a thread of its own
		})
	}
	done.Wait()
	for range threads {
		NewLink(t, LinkOptions{})
	}
	for _, process := range processes {
		if process.Process == nil {
			continue
		}
		_ = process.Process.Signal(syscall.SIGTERM) // it may have been killed already
		_ = process.Wait()
		if by := process.ProcessState.Sys().(syscall.WaitStatus).Signal(); by != syscall.SIGTERM {
			t.Errorf("a process was ended by signal %s", by)
		}
	}
}
