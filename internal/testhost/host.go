// Package testhost makes a real host for tests and demonstrations: an SSH server
// on loopback, an empty data directory, and a tiny Linux guest to run there.
package testhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Options are what a test may want to be different. The zero value is a host as
// most users have it.
type Options struct {
	// SSHDConfig are lines for sshd_config, such as "AllowTcpForwarding no".
	// sshd takes the first value of a keyword, so these come first; therefore
	// there can be no "Match" among them.
	SSHDConfig []string

	// DataDirName is the last element of the data directory's path, "data" if
	// empty. Names with blanks, quotes and commas find errors in quoting.
	DataDirName string

	// PlainUser is for tests that root runs: the login is a user without rights.
	// See [NoPlainUser].
	PlainUser bool

	// Capabilities are those that the plain user has nevertheless, such as
	// "net_admin", and all that she starts has, as by pam_cap.
	Capabilities []string

	// Link is the network to the host, loopback if nil. What runs on the host is
	// in the link's namespace, too.
	Link *Link

	// Hidden hosts of a link listen on the loopback of its namespace: they are
	// reached through another one of the same link only.
	Hidden bool

	// Mounts are files that the host has instead of this machine's, by absolute
	// path: seen by the SSH server and what runs under it, by nobody else. They
	// need root.
	Mounts map[string]string

	// Under is a command that runs the one that is its last arguments, in the
	// same process, such as "strace -D": sshd is started by it.
	Under []string

	// FilesystemMiB is the size of a filesystem in memory that the data directory
	// is to be, 0 for none. Only root can mount one.
	FilesystemMiB int
}

// A Host is reached as [Host.User] at [Host.Address] and [Host.Port]. What it
// has on disk is below one short-named temporary directory, since the path of a
// UNIX socket has at most 107 bytes.
type Host struct {
	Address        string // 127.0.0.1, or that of its link
	Port           int
	User           string // who runs the test, or a plain user
	PrivateKeyFile string // ed25519, without passphrase
	HostKey        string // "ssh-ed25519 AAAA…"
	DataDir        string // 0700, empty at first
	SSHDLog        string // sshd's log at level VERBOSE; "Connection from" once per connection

	dir     string // everything above
	sshd    sshd
	mounted bool
	closed  sync.Once
}

// Start makes a host. The caller must Close it.
func Start(ctx context.Context, opts Options) (*Host, error) {
	dir, err := os.MkdirTemp("", "kvm-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the test host: %w", err)
	}
	h, err := start(ctx, dir, opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a test host: %w", err), os.RemoveAll(dir))
	}
	return h, nil
}

func start(ctx context.Context, dir string, opts Options) (*Host, error) {
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("ask who I am: %w", err)
	}
	name := opts.DataDirName
	if name == "" {
		name = "data"
	}
	address := "127.0.0.1"
	if opts.Link != nil && !opts.Hidden {
		address = opts.Link.HostAddress
	}
	h := &Host{
		Address:        address,
		User:           me.Username,
		PrivateKeyFile: filepath.Join(dir, "id_ed25519"),
		DataDir:        filepath.Join(dir, name),
		SSHDLog:        filepath.Join(dir, "sshd.log"),
		dir:            dir,
	}
	if err := os.Mkdir(h.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if err := h.makeKeys(); err != nil {
		return nil, err
	}
	h.RunSSHDUnder(opts.Under)
	if opts.PlainUser && os.Geteuid() == 0 {
		if err := h.makePlainUser(&opts); err != nil {
			return nil, err
		}
	}
	h.sshd.within = append(opts.within(), h.sshd.within...)
	if err := h.startSSHDOnFreePort(ctx, opts.SSHDConfig); err != nil {
		return nil, err
	}
	if err := h.mount(opts.FilesystemMiB); err != nil {
		h.StopSSHD()
		return nil, err
	}
	return h, nil
}

// New starts a host for a test and closes it at the test's end, which fails the
// test if it left something behind.
func New(t testing.TB, opts Options) *Host {
	t.Helper()
	h, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// goodbye is how long processes may take to end once their connection is gone.
const goodbye = 3 * time.Second

// Close ends the SSH server and removes the host. Whatever was left on it, a
// process, a listening port, an object in the data directory, is named in the
// error, and ended or removed. A second Close does nothing.
func (h *Host) Close() error {
	var err error
	h.closed.Do(func() { err = h.close() })
	return err
}

func (h *Host) close() error {
	h.StopSSHD()
	// Shells that lost their connection end by themselves.
	for end := time.Now().Add(goodbye); len(h.processes()) > 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	var failures []error
	for _, leftover := range h.Leftovers() {
		failures = append(failures, fmt.Errorf("left on the test host: %s", leftover))
	}
	for _, p := range h.processes() {
		if err := p.kill(); err != nil {
			failures = append(failures, err)
		}
	}
	if err := h.unmount(); err != nil {
		failures = append(failures, err)
	}
	if err := os.RemoveAll(h.dir); err != nil {
		failures = append(failures, fmt.Errorf("remove the test host: %w", err))
	}
	return errors.Join(failures...)
}
