package ssh

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// impatient makes the time that a login has short.
func impatient(t *testing.T) {
	start, life := startTimeout, lifeTimeout
	startTimeout, lifeTimeout = 500*time.Millisecond, 300*time.Millisecond
	t.Cleanup(func() { startTimeout, lifeTimeout = start, life })
}

func TestRun_DoesNotTakeASilentNetworkForASilentLogin(t *testing.T) {
	impatient(t)
	link := testhost.NewLink(t, testhost.LinkOptions{})
	host := testhost.New(t, testhost.Options{Link: link, SSHDConfig: []string{`ForceCommand sleep 0.3; eval "$SSH_ORIGINAL_COMMAND"`}})
	client := newClient(t, Config{
		Address: host.Address, Port: host.Port, User: host.User, PrivateKeyFile: host.PrivateKeyFile, HostKey: host.HostKey, SSHConfigFile: os.DevNull,
	})
	go func() {
		for t.Context().Err() == nil {
			if log, _ := os.ReadFile(host.SSHDLog); strings.Contains(string(log), "Starting session") {
				time.Sleep(50 * time.Millisecond) // that it has started is known
				link.DownFor(t.Context(), 1500*time.Millisecond)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if got := mustRun(t, client, "echo still here"); got.Stdout != "still here\n" {
		t.Error(brief(got))
	}
	if link.Lost() == 0 {
		t.Error("the link was not down")
	}
}

func TestRun_SaysThatALoginKeepsSilent(t *testing.T) {
	impatient(t)
	client := newClient(t, startSSHD(t, "ForceCommand exec sleep 20").config(t))
	err := runError(t, client)
	if !errors.Is(err, ErrNoShell) || !errors.Is(err, ErrLost) {
		t.Errorf("got %v, want ErrNoShell: the script was sent", err)
	}
	wantText(t, err, "no answer within")
}
