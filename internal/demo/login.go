package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// loginTimeout bounds one login, which software emulation slows.
const loginTimeout = 2 * time.Minute

// sshFailed is what ssh exits with for itself (ssh(1)).
const sshFailed = 255

// sshConfig is for the host, whose key is known. What is different for its guests
// is said by flags, which ssh does not pass on to where it jumps.
const sshConfig = `IdentityFile %s
UserKnownHostsFile %s
StrictHostKeyChecking yes
HostKeyAlgorithms ssh-ed25519
IdentitiesOnly yes
BatchMode yes
ConnectTimeout 60
LogLevel ERROR
`

// writeSSHConfig makes the key that logs into the guests, and returns the file of
// its public half.
func writeSSHConfig(s *stage) (publicKeyFile string, err error) {
	key := guestKey(s)
	public, err := testhost.MakeKey(key)
	if err != nil {
		return "", fmt.Errorf("make the key that logs into the guests: %w", err)
	}
	config := fmt.Sprintf(sshConfig, s.host.PrivateKeyFile, knownHosts(s))
	known := fmt.Sprintf("[%s]:%d %s\n", s.host.Address, s.host.Port, s.host.HostKey)
	return key + ".pub", errors.Join(
		os.WriteFile(key+".pub", []byte(public+"\n"), 0o600),
		os.WriteFile(sshConfigFile(s), []byte(config), 0o600),
		os.WriteFile(knownHosts(s), []byte(known), 0o600),
	)
}

func guestKey(s *stage) string      { return filepath.Join(s.dir, "id_ed25519") }
func sshConfigFile(s *stage) string { return filepath.Join(s.dir, "ssh_config") }
func knownHosts(s *stage) string    { return filepath.Join(s.dir, "known_hosts") } // the host's alone

// commands are how each machine is logged into, by its name; "" of one whose
// address is not known yet.
func (o outputs) commands() (map[string]string, error) {
	var commands map[string]string
	if err := json.Unmarshal(o["ssh"].Value, &commands); err != nil {
		return nil, fmt.Errorf("read the output ssh: %w", err)
	}
	return commands, nil
}

// login runs a shell command in a machine, by the command that the example's
// output says, and returns what it printed and the host key that it showed.
func (s *stage) login(ctx context.Context, name, command string) (said, hostKey string, err error) {
	commands, err := s.outputs.commands()
	if err != nil {
		return "", "", err
	}
	if commands[name] == "" {
		return "", "", fmt.Errorf("log into %s: it has told no address", name)
	}
	known := filepath.Join(s.dir, "known-"+name)
	// Nobody knows its key before the first login; after that it is to stay.
	argv := append([]string{"-F", sshConfigFile(s), "-i", guestKey(s), "-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=accept-new"}, strings.Fields(commands[name])[1:]...)
	said, err = runSSH(ctx, append(argv, command))
	if err != nil {
		return "", "", fmt.Errorf("log into %s by %q: %w", name, commands[name], err)
	}
	hostKey, err = fingerprint(known)
	return said, hostKey, err
}

// runSSH runs ssh until a server lets it in: a guest's may start after the agent by
// which it counts as ready.
func runSSH(ctx context.Context, argv []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	var failed error // the last time, unless it was cut short
	for {
		var failure bytes.Buffer
		cmd := exec.CommandContext(ctx, "ssh", argv...)
		cmd.Stderr, cmd.WaitDelay = &failure, time.Second
		said, err := cmd.Output()
		if err == nil {
			return string(said), nil
		}
		if ctx.Err() == nil || failed == nil {
			failed = fmt.Errorf("%w: %s%s", err, said, failure.String())
		}
		if cmd.ProcessState.ExitCode() != sshFailed {
			return "", failed
		}
		select {
		case <-ctx.Done():
			return "", failed
		case <-time.After(time.Second):
		}
	}
}

// fingerprint is that of the key in a known_hosts file of one host.
func fingerprint(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the key that the guest has shown: %w", err)
	}
	_, _, key, _, _, err := ssh.ParseKnownHosts(text)
	if err != nil {
		return "", fmt.Errorf("read the key that the guest has shown: %w", err)
	}
	return ssh.FingerprintSHA256(key), nil
}
