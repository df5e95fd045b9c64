package ssh

import (
	"errors"
	"fmt"
)

// What went wrong, for errors.Is. The errors that wrap these say with which
// host, and what can be done about it.
var (
	// ErrUnreachable: no connection, after a few tries. Nothing has run.
	ErrUnreachable = errors.New("host is unreachable")

	// ErrHostKey: the host's key is not accepted; see HostKeyError. Nothing was
	// tried to log in, and nothing has run.
	ErrHostKey = errors.New("host key is not accepted")

	// ErrAuthentication: the host refused every key there is to offer.
	ErrAuthentication = errors.New("authentication failed")

	// ErrForwarding: the host's sshd forbids TCP forwarding. A port on which
	// nothing listens is another error.
	ErrForwarding = errors.New("sshd forbids TCP forwarding")

	// ErrNoShell: the login did not yield a POSIX shell; see NoShellError.
	ErrNoShell = errors.New("login does not give a POSIX shell")

	// ErrLost: the connection or the shell ended while a script was in hand.
	// It may have run, wholly or in part, and may still be running.
	ErrLost = errors.New("connection was lost while a script was in hand: it may or may not have run")
)

// maxPrinted bounds what an error quotes of a host's output, in bytes.
const maxPrinted = 400

// A NoShellError says what a login printed instead of being a shell.
type NoShellError struct {
	Printed string // the first 400 bytes of stdout and stderr
	Cause   error  // how it ended
}

func (e *NoShellError) Error() string {
	printed := "it printed nothing"
	if e.Printed != "" {
		printed = fmt.Sprintf("it printed %q", e.Printed)
	}
	return fmt.Sprintf("%v: %v; %s", ErrNoShell, e.Cause, printed)
}

func (e *NoShellError) Unwrap() []error { return []error{ErrNoShell, e.Cause} }

func newNoShellError(printed string, cause error) *NoShellError {
	return &NoShellError{Printed: printed[:min(len(printed), maxPrinted)], Cause: cause}
}
