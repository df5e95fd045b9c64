package host

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// Prelude is what the scripts share; every shell reads it once.
var Prelude = prelude()

//go:embed lib/*.sh
var lib embed.FS

func prelude() string {
	var text strings.Builder
	err := fs.WalkDir(lib, ".", func(path string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		part, err := lib.ReadFile(path)
		text.Write(part)
		return err
	})
	if err != nil {
		panic(err) // of what the compiler has put there
	}
	return text.String()
}

// The scripts, beside the Go that calls them. Each runs on the host to its end,
// under the lock of what it changes, so that a verb is one round trip and a
// connection that breaks leaves nothing half done.
var (
	//go:embed inventory.sh
	inventoryScript string
	//go:embed orphans.sh
	orphansScript string
	//go:embed facts.sh
	factsScript string
	//go:embed models.sh
	modelsScript string
	//go:embed image.sh
	imageScript string
	//go:embed image-link.sh
	imageLinkScript string
	//go:embed create.sh
	createScript string
	//go:embed start.sh
	startScript string
	//go:embed seed.sh
	seedScript string
	//go:embed bridge.sh
	bridgeScript string
	//go:embed passt.sh
	passtScript string
	//go:embed network.sh
	networkScript string
	//go:embed flatten.sh
	flattenScript string
	//go:embed resume.sh
	resumeScript string
	//go:embed stop.sh
	stopScript string
	//go:embed capture.sh
	captureScript string
	//go:embed standby.sh
	standbyScript string
	//go:embed copy.sh
	copyScript string
	//go:embed console.sh
	consoleScript string
	//go:embed update.sh
	updateScript string
	//go:embed rollback.sh
	rollbackScript string
	//go:embed finish.sh
	finishScript string
	//go:embed label.sh
	labelScript string
	//go:embed keep.sh
	keepScript string
	//go:embed disks.sh
	disksScript string
	//go:embed attach.sh
	attachScript string
	//go:embed give-back.sh
	giveBackScript string
	//go:embed detach.sh
	detachScript string
	//go:embed volume.sh
	volumeScript string
	//go:embed grow-disk.sh
	growDiskScript string
	//go:embed delete.sh
	deleteScript string
)

// statuses are those of lib/base.sh.
var statuses = map[int]error{
	40: ErrNotFound, 41: ErrExists, 42: ErrChanged, 43: ErrReplaced, 44: ErrBusy,
	45: ErrPort, 46: ErrUnfit, 47: ErrInvalid, 48: ErrFailed, 49: errFrozen, 50: errAttached,
}

// errFrozen says that a top layer belongs to others too and may not be written.
var errFrozen = errors.New("its top layer is frozen")

// errAttached says that another instance has the volume.
var errAttached = fmt.Errorf("%w: a volume never has two writers", ErrInvalid)

// A call is one verb on one object: what an error of it is about.
type call struct {
	host   *Host
	verb   string
	object Ref
}

func (h *Host) call(verb string, kind Kind, name string) call {
	return call{h, verb, Ref{kind, name}}
}

// read runs a script that changes nothing, or nothing more when it is run twice:
// it is run again once when the connection broke.
func (c call) read(ctx context.Context, script string, args ...string) (string, error) {
	s := ssh.Script{Name: c.verb, Text: script, Args: args}
	result, err := c.host.transport.Run(ctx, s)
	if errors.Is(err, ssh.ErrLost) && ctx.Err() == nil {
		result, err = c.host.transport.Run(ctx, s)
	}
	return c.outcome(ctx, result, err)
}

// patience is how long a lock is waited for by an operation without a time limit.
const patience = 2 * time.Minute

// write runs a script that changes something, as try does. A lock that somebody
// else holds is waited for until the operation's time limit: the host waits for
// some seconds at a time, between which its session is free for others. The
// error then is ErrBusy, and names the holder.
func (c call) write(ctx context.Context, script string, args ...string) (string, error) {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var busy error
	for {
		out, err := c.try(ctx, script, args...)
		switch over := ctx.Err(); {
		case errors.Is(err, ErrBusy) && over == nil:
			busy = err
		case busy != nil && over != nil && errors.Is(err, over): // it was not sent any more
			return "", busy
		default:
			return out, err
		}
	}
}

// try runs a script that changes something, once. When it is sent its end is
// awaited, and what was listed of it before is forgotten.
func (c call) try(ctx context.Context, script string, args ...string) (string, error) {
	defer c.forget()
	result, err := c.host.transport.Run(ctx, ssh.Script{Name: c.verb, Text: script, Args: args, Atomic: true})
	return c.outcome(ctx, result, err)
}

// forget has what is read next tell what the call did. What is done to an instance
// shows in that alone, and in what volumes and networks are used for.
func (c call) forget() {
	if c.object.Kind == Instances {
		c.host.forget(c.object)
	} else {
		c.host.Forget()
	}
}

// outcome is a script's output, or why it failed.
func (c call) outcome(ctx context.Context, result ssh.Result, err error) (string, error) {
	if err != nil {
		return "", c.fail(err, "", "")
	}
	if result.Status == 0 {
		return result.Stdout, nil
	}
	said, reason := lastLine(result.Stderr)
	cause, known := statuses[result.Status]
	if !known {
		cause = ErrFailed
		reason = fmt.Sprintf("the script ended with status %d: %s", result.Status, reason)
	}
	if errors.Is(cause, ErrExists) {
		return "", c.taken(ctx)
	}
	return "", c.fail(cause, reason, said)
}

// lastLine splits what a script said of its failure: the last line is the
// reason, the lines before are what the commands that it ran had to say.
func lastLine(text string) (before, last string) {
	text = strings.TrimSpace(text)
	cut := strings.LastIndex(text, "\n") + 1
	return strings.TrimSpace(text[:cut]), text[cut:]
}

// fail is the one place in which a verb's error is made.
func (c call) fail(cause error, reason, said string) error {
	e := &Error{Verb: c.verb, Object: c.object.object(), Host: c.host.Name, Err: cause, Said: said}
	if reason != "" {
		e.Err = fmt.Errorf("%w: %s", cause, reason)
	}
	e.Remedy = remedy(cause, reason+"\n"+said, c)
	return e
}

// invalid is an error of what was asked for, found before anything was done.
func (c call) invalid(format string, values ...any) error {
	return c.fail(ErrInvalid, fmt.Sprintf(format, values...), "")
}

// remedy is what to do about a failure, as far as it is known.
func remedy(cause error, said string, c call) string {
	switch {
	case errors.Is(cause, ssh.ErrLost):
		return "The host finishes what it was told. Apply again: what was done is found, what was not is done."
	case errors.Is(cause, ErrExists) && strings.Contains(said, nameless):
		return fmt.Sprintf("Choose another name, or mend or remove %s on the host.", ssh.Quote(c.host.dir(c.object)))
	case errors.Is(cause, ErrExists):
		return fmt.Sprintf("Choose another name, or take it over: terraform import ADDRESS %s/%s.", c.host.Name, c.object)
	case errors.Is(cause, ErrBusy):
		return "Wait for the other run to end, then apply again."
	case errors.Is(cause, ErrPort), strings.Contains(said, "Could not set up host forwarding rule"), strings.Contains(said, "Failed to bind"):
		return "Choose another host_port, or leave it out to have a free one chosen."
	case strings.Contains(said, "passt does not start"), strings.Contains(said, "Failed to connect to 'run/passt"):
		return "Where AppArmor confines passt, as on Debian and Ubuntu, it may write below /home, /root and /tmp only: see /etc/apparmor.d/usr.bin.passt, and run/passt.log of the instance."
	case strings.Contains(said, "/dev/kvm"), strings.Contains(said, "KVM"):
		return `Give the login access to /dev/kvm (usermod -aG kvm USER), or set accelerator = "tcg" for this host.`
	case strings.Contains(said, "No space left"), strings.Contains(said, "Disk quota exceeded"), strings.Contains(said, "does not fit"):
		return "Free space in " + c.host.DataDir + ", then apply again."
	case errors.Is(cause, ErrUnfit) && strings.Contains(said, "is its filesystem mounted"):
		return "If it has a filesystem of its own, mount that, then apply again."
	case strings.Contains(said, noFirmware):
		return "Install it on the host (Debian, Ubuntu: apt-get install ovmf; Fedora: dnf install edk2-ovmf), then apply again."
	case errors.Is(cause, ErrUnfit) && strings.Contains(said, "data directory"):
		return fmt.Sprintf("On the host: sudo install -d -m 0700 -o USER %s", ssh.Quote(c.host.DataDir))
	}
	return ""
}
