package testhost

import (
	"fmt"
	"os/exec"
)

// systemProgram finds a program of the system administrator, which an ordinary
// user's PATH may not have.
func systemProgram(name string) (string, error) {
	for _, path := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("find %s: neither in PATH nor in /usr/sbin nor in /sbin", name)
}
