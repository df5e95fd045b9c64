package testhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portAttempts bounds how often another process may take the port between
// finding it free and sshd's listening on it.
const portAttempts = 5

var errPortTaken = errors.New("the port is taken")

func (h *Host) configFile() string { return filepath.Join(h.dir, "sshd_config") }

func (h *Host) startSSHDOnFreePort(ctx context.Context, extra []string) error {
	program, err := systemProgram("sshd")
	if err != nil {
		return err
	}
	h.sshd.program = program
	if err := preparePrivilegeSeparation(); err != nil {
		return err
	}
	for range portAttempts {
		if h.Port, err = freePort(); err != nil {
			return err
		}
		if err = h.configureSSHD(ctx, extra); err != nil {
			return err
		}
		if err = h.StartSSHD(ctx); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// preparePrivilegeSeparation makes the empty directory that sshd insists on when
// root starts it, and that only the system's sshd service would make.
func preparePrivilegeSeparation() error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return fmt.Errorf("make sshd's directory for privilege separation: %w", err)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// configureSSHD writes sshd_config and has sshd check it.
func (h *Host) configureSSHD(ctx context.Context, extra []string) error {
	lines := append(extra[:len(extra):len(extra)],
		"Port "+strconv.Itoa(h.Port),
		"ListenAddress "+h.Address,
		"HostKey "+h.hostKeyFile(),
		"AuthorizedKeysFile "+h.authorizedKeys(),
		"PermitRootLogin prohibit-password",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"UsePAM no",
		// bash reads ~/.bashrc when sshd starts it: not that of who runs the test.
		"SetEnv HOME="+h.dir,
		"StrictModes no", // the temporary directory's parents belong to others
		"PidFile none",
		"LogLevel VERBOSE",
	)
	if err := os.WriteFile(h.configFile(), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write sshd_config: %w", err)
	}
	if _, err := run(ctx, "", h.sshd.program, "-t", "-f", h.configFile()); err != nil {
		return err
	}
	if err := h.giveToPlainUser(); err != nil {
		return fmt.Errorf("give the host to its user: %w", err)
	}
	// From OpenSSH 9.8 on, a source whose authentication fails is locked out for
	// a while: every test here comes from the same one.
	lenient := "PerSourcePenalties=no"
	if _, err := run(ctx, "", h.sshd.program, "-t", "-f", h.configFile(), "-o", lenient); err == nil {
		h.sshd.options = []string{"-o", lenient}
	}
	return nil
}
