package host

import (
	"errors"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// What went wrong, for errors.Is. One cause has one of them, whichever verb met it.
var (
	ErrNotFound = errors.New("it does not exist")
	ErrExists   = errors.New("the name is taken")
	ErrChanged  = errors.New("it was changed by somebody else meanwhile")
	ErrReplaced = errors.New("another object has taken its name")
	ErrBusy     = errors.New("somebody else is changing it")
	ErrPort     = errors.New("the host port is taken")
	ErrUnfit    = errors.New("the host is not fit for this")
	ErrInvalid  = errors.New("this cannot be done")
	ErrFailed   = errors.New("it failed on the host")
)

// An Error is the failure of one verb, with all that a person needs to go on.
type Error struct {
	Verb   string // "start", "take", …
	Object string // "instance web-a", …
	Host   string // its name in the configuration
	Err    error  // the cause; one of the sentinels above, or of package ssh, is in its chain
	Said   string // the last lines of what the host, QEMU or the guest said; "" if nothing
	Left   string // the state that the object was left in, as a sentence; "" if untouched
	Remedy string // what to do next, as a sentence; "" if nothing is known
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("unable to " + e.Verb + " " + e.Object + " on host " + e.Host + ": " + e.Err.Error())
	for _, s := range []string{e.Said, e.Left, e.Remedy} {
		if s != "" {
			b.WriteString("\n" + s)
		}
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// made is what a verb returns that was to make an object: with ssh.ErrLost, too,
// the object, once the host was asked for it, for it may be there. Whether it is
// its uid tells.
func made[T any](object *T, asked bool, err error) (*T, error) {
	if err == nil || asked && errors.Is(err, ssh.ErrLost) {
		return object, err
	}
	return nil, err
}
