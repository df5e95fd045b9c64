package testhost

import (
	"bytes"
	"os"
	"path/filepath"
)

// WaitingFor counts who waits for a lock of a host's: each is a flock that has it
// open.
func WaitingFor(lock string) int {
	found := 0
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, file := range commands {
		command, _ := os.ReadFile(file) // it may just have ended
		held, err := os.Readlink(filepath.Join(filepath.Dir(file), "fd", "9"))
		if err == nil && held == lock && bytes.HasPrefix(command, []byte("flock\x00")) {
			found++
		}
	}
	return found
}
