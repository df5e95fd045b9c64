package ssh

import (
	"errors"
	"fmt"
	"testing"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// severalKeys starts an sshd with a host key of each type.
func severalKeys(t *testing.T) (server *server, keys map[string]xssh.PublicKey) {
	t.Helper()
	keys = map[string]xssh.PublicKey{}
	var directives []string
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		files, key := hostFiles(t, kind, nil, nil)
		directives = append(directives, files...)
		keys[kind] = key.PublicKey()
	}
	return startSSHD(t, directives...), keys
}

func TestClient_AsksForWhicheverKeyIsKnown(t *testing.T) {
	server, keys := severalKeys(t)
	address := fmt.Sprintf("127.0.0.1:%d", server.port)
	for kind, key := range keys {
		for how, line := range map[string]string{
			"by its name":      knownhosts.Line([]string{address}, key),
			"by its hash":      xknownhosts.HashHostname("["+"127.0.0.1"+fmt.Sprintf("]:%d", server.port)) + " " + authorizedKey(key),
			"by a pattern":     fmt.Sprintf("[127.0.*]:%d ", server.port) + authorizedKey(key),
			"beside an alias":  fmt.Sprintf("lab,[127.0.0.1]:%d ", server.port) + authorizedKey(key),
			"pinned, not read": "",
		} {
			cfg := server.config(t)
			cfg.KnownHostsFile = knownHostsFile(t, line)
			if line == "" {
				cfg.HostKey = authorizedKey(key)
			}
			if _, err := newClient(t, cfg).Run(t.Context(), Script{Text: "true"}); err != nil {
				t.Errorf("its %s key is known %s: %v", kind, how, err)
			}
		}
	}
}

func TestClient_AcceptsNoOtherKeyForTheOneThatIsKnown(t *testing.T) {
	server, keys := severalKeys(t)
	address := fmt.Sprintf("127.0.0.1:%d", server.port)
	_, other := newKey(t)
	cfg := server.config(t)
	// The ecdsa key is right, and comes after one that is not and one that is
	// revoked: of what it is asked for first the host must have the right one.
	for name, lines := range map[string][]string{
		"the first that is known is another": {knownhosts.Line([]string{address}, other.PublicKey()), knownhosts.Line([]string{address}, keys["ecdsa"])},
		"the first that is known is revoked": {knownhosts.Line([]string{address}, keys["ed25519"]), knownhosts.Line([]string{address}, keys["ecdsa"]), "@revoked * " + authorizedKey(keys["ed25519"])},
	} {
		cfg.KnownHostsFile = knownHostsFile(t, lines...)
		if err := runError(t, newClient(t, cfg)); !errors.Is(err, ErrHostKey) {
			t.Errorf("%s: got %v, want ErrHostKey", name, err)
		}
	}
	if n := server.logged("Accepted") + server.logged("Failed"); n != 0 {
		t.Error("it tried to log in")
	}
}

// A line without a port is of port 22, on which another server may listen.
func TestClient_DoesNotTakeAKeyForThatOfAnotherPort(t *testing.T) {
	server := startSSHD(t)
	key := authorizedKey(server.hostKey.PublicKey())
	for _, line := range []string{"127.0.0.1 " + key, fmt.Sprintf("[127.0.0.1]:%d ", server.port+1) + key, xknownhosts.HashHostname("127.0.0.1") + " " + key} {
		cfg := server.config(t)
		cfg.KnownHostsFile = knownHostsFile(t, line)
		var refusal *HostKeyError
		if err := runError(t, newClient(t, cfg)); !errors.As(err, &refusal) || refusal.Reason != HostKeyUnknown {
			t.Errorf("%s: got %v, want the key not known", line, err)
		}
	}
	if n := server.logged("Accepted") + server.logged("Failed"); n != 0 {
		t.Error("it tried to log in")
	}
}
