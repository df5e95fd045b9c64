package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

func TestVerbs_MakeDoWithOneSessionAndWithTwo(t *testing.T) {
	t.Parallel()
	another(t, testhost.Options{SSHDConfig: []string{"MaxSessions 1"}}).live(briefly...)
	another(t, testhost.Options{SSHDConfig: []string{"MaxSessions 2"}}).live(briefly...)
}

// The host listens where only its bastion, at the other end of the link, is.
func TestVerbs_WorkThroughABastion(t *testing.T) {
	t.Parallel()
	link := testhost.NewLink(t, testhost.LinkOptions{RTT: 20 * time.Millisecond})
	bastion := testhost.New(t, testhost.Options{Link: link})
	l := another(t, testhost.Options{Link: link, Hidden: true}, func(cfg *ssh.Config) {
		cfg.KnownHostsFile = t.TempDir() + "/known_hosts"
		must(t, os.WriteFile(cfg.KnownHostsFile, fmt.Appendf(nil, "[%s]:%d %s\n", bastion.Address, bastion.Port, bastion.HostKey), 0o600))
		cfg.ProxyJump = fmt.Sprintf("%s@%s:%d", bastion.User, bastion.Address, bastion.Port)
	})
	must(t, bastion.Trust(l.testhost)) // one key opens both
	l.live(briefly...)
	log, err := os.ReadFile(l.testhost.SSHDLog)
	must(t, err)
	if n := strings.Count(string(log), "Connection from 127.0.0.1"); n != 1 {
		t.Errorf("%d connections from the bastion; want 1", n)
	}
}

// A host's /bin/sh may be busybox, with commands of its own. Here it is, for all
// that runs under sshd; so it is with dash, where the other tests have another.
func TestVerbs_WorkUnderEveryShellThatIsBinSh(t *testing.T) {
	needRoot(t)
	for _, shell := range []string{"busybox", "dash"} {
		program, err := exec.LookPath(shell)
		must(t, err)
		if exec.Command("cmp", "-s", program, "/bin/sh").Run() == nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			l := another(t, testhost.Options{Mounts: map[string]string{"/bin/sh": program}})
			out, err := l.trips.Run(context.Background(), ssh.Script{Name: "which", Text: `cmp /proc/$$/exe "$1"`, Args: []string{program}})
			if must(t, err); out.Status != 0 {
				t.Fatalf("/bin/sh is not %s: %s", program, out.Stdout)
			}
			l.live()
			l.wantShortChain(t)
		})
	}
}

// /etc/machine-id is empty until a host's first boot with systemd, and where a
// container was made of an image.
func TestVerbs_WorkOnAHostWhoseMachineIDIsEmpty(t *testing.T) {
	t.Parallel()
	needRoot(t)
	empty := t.TempDir() + "/machine-id"
	must(t, os.WriteFile(empty, nil, 0o644))
	another(t, testhost.Options{Mounts: map[string]string{"/etc/machine-id": empty}}).live(briefly...)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("this needs root, to mount files over files")
	}
}

// loginShell is a passwd in which the login shell of who runs the test is another.
func loginShell(t *testing.T, shell string) string {
	t.Helper()
	me, err := user.Current()
	must(t, err)
	text, err := os.ReadFile("/etc/passwd")
	must(t, err)
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if fields := strings.Split(line, ":"); fields[0] == me.Username {
			fields[6] = shell
			lines[i] = strings.Join(fields, ":")
		}
	}
	file := t.TempDir() + "/passwd"
	must(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644))
	return file
}

func TestVerbs_WorkBehindALoginThatHasMuchToSay(t *testing.T) {
	t.Parallel()
	needRoot(t)
	shell := t.TempDir() + "/shell"
	must(t, os.WriteFile(shell, []byte("#!/bin/bash\necho Authorized use only.; printf 'All is logged: '; echo beware >&2\nexec /bin/bash \"$@\"\n"), 0o755))
	banner := t.TempDir() + "/banner"
	must(t, os.WriteFile(banner, []byte("KEEP OUT\n"), 0o644))
	another(t, testhost.Options{
		Mounts:     map[string]string{"/etc/passwd": loginShell(t, shell)},
		SSHDConfig: []string{"Banner " + banner},
	}).live(briefly...)
}

func TestVerbs_WorkUnderAForcedCommandThatRunsWhatWasAsked(t *testing.T) {
	t.Parallel()
	another(t, testhost.Options{SSHDConfig: []string{`ForceCommand echo logged; eval "$SSH_ORIGINAL_COMMAND"`}}).live(briefly...)
}

func TestVerbs_SayWhatALoginIsThatIsNoShell(t *testing.T) {
	for name, c := range map[string]struct {
		options testhost.Options
		says    string
	}{
		"a forced command": {testhost.Options{SSHDConfig: []string{"ForceCommand echo This key is for backups only."}}, "This key is for backups only."},
		"no login shell":   {testhost.Options{Mounts: map[string]string{"/etc/passwd": loginShell(t, "/usr/sbin/nologin")}}, "This account is currently not available."},
	} {
		t.Run(name, func(t *testing.T) {
			if c.options.Mounts != nil {
				needRoot(t)
			}
			l := newLab(t, c.options)
			_, err := l.Create(context.Background(), baseSpec("it"))
			if !errors.Is(err, ssh.ErrNoShell) || errors.Is(err, ssh.ErrLost) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want ErrNoShell, and %q", err, c.says)
			}
			if _, err := l.Instances(context.Background()); !errors.Is(err, ssh.ErrNoShell) {
				t.Errorf("a listing: %v; want ErrNoShell, and nothing that looks as if all were gone", err)
			}
		})
	}
}
