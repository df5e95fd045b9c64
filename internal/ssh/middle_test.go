package ssh

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
)

// The middleman of these tests does its work, where nobody looks at keys.
func TestMiddleman_GetsAllFromWhoeverDoesNotLookAtItsKey(t *testing.T) {
	server := startSSHD(t)
	_, key := newKey(t)
	middle := startMiddleman(t, server, key)
	client, err := xssh.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", middle.port), &xssh.ClientConfig{
		User: currentUser(t), Auth: []xssh.AuthMethod{xssh.Password("secret")}, HostKeyCallback: xssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.Output("echo through the middle")
	if err != nil || string(out) != "through the middle\n" {
		t.Errorf("%q, %v", out, err)
	}
	if _, credentials, reached := middle.hear(t, 1); len(credentials) == 0 || reached != 1 {
		t.Errorf("it learnt %v, and passed on %d", credentials, reached)
	}
}

func TestClient_TellsAManInTheMiddleNothing(t *testing.T) {
	server := startSSHD(t)
	_, own := newKey(t)
	_, authority := newKey(t)
	hostKey := server.hostKey.PublicKey()
	line := func(m *middleman) string {
		return knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", m.port)}, hostKey)
	}
	for name, c := range map[string]struct {
		keys []xssh.Signer
		know func(cfg *Config, m *middleman)
		want error
	}{
		"the host is pinned": {[]xssh.Signer{own}, func(cfg *Config, m *middleman) { cfg.HostKey = authorizedKey(hostKey) }, ErrHostKey},
		"the host is known":  {[]xssh.Signer{own}, func(cfg *Config, m *middleman) { cfg.KnownHostsFile = knownHostsFile(t, line(m)) }, ErrHostKey},
		"the host is not known": {[]xssh.Signer{own}, func(cfg *Config, m *middleman) {
			cfg.KnownHostsFile = knownHostsFile(t)
		}, ErrHostKey},
		"it has a key of another type": {[]xssh.Signer{rsaKey(t)}, func(cfg *Config, m *middleman) { cfg.KnownHostsFile = knownHostsFile(t, line(m)) }, ErrHostKey},
		"it has made itself a certificate": {[]xssh.Signer{certify(t, own, authority, nil)}, func(cfg *Config, m *middleman) {
			_, other := newKey(t)
			cfg.KnownHostsFile = knownHostsFile(t, line(m), authorityLine(fmt.Sprintf("[127.0.0.1]:%d", m.port), other))
		}, ErrHostKey},
		"it shows the host's own key, which it cannot sign with": {[]xssh.Signer{pretender{own, hostKey}}, func(cfg *Config, m *middleman) {
			cfg.KnownHostsFile = knownHostsFile(t, line(m))
		}, ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			middle := startMiddleman(t, server, c.keys...)
			cfg := server.config(t)
			cfg.Port = middle.port
			c.know(&cfg, middle)
			err := runError(t, newClient(t, cfg))
			if !errors.Is(err, c.want) || errors.Is(err, ErrAuthentication) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			handshakes, credentials, reached := middle.hear(t, 1)
			if len(handshakes) != 1 || handshakes[0] == nil {
				t.Errorf("its handshakes ended with %v; want one that failed, and no further try", handshakes)
			}
			if len(credentials) > 0 || reached > 0 {
				t.Errorf("it learnt %v, and passed on %d connections", credentials, reached)
			}
		})
	}
	if n := server.logged("Connection from"); n != 0 {
		t.Errorf("the host had %d connections, want none", n)
	}
}

// It may also come between later, when a connection has died, or behind a jump.
func TestClient_TellsAManBehindItsBastionNothing(t *testing.T) {
	bastion := startSSHD(t)
	inner := restartSSHD(t, newServer(t))
	_, own := newKey(t)
	middle := startMiddleman(t, inner, own)
	cfg := inner.config(t)
	cfg.PrivateKey = ""
	writeFile(t, filepath.Join(home(), ".ssh/id_ed25519"), bastion.userKey)
	writeFile(t, filepath.Join(home(), ".ssh/id_ecdsa"), inner.userKey)
	cfg.Port, cfg.HostKey = middle.port, authorizedKey(inner.hostKey.PublicKey())
	cfg.KnownHostsFile = knownHostsFile(t, bastion.line())
	cfg.ProxyJump = fmt.Sprintf("127.0.0.1:%d", bastion.port)
	if err := runError(t, newClient(t, cfg)); !errors.Is(err, ErrHostKey) {
		t.Errorf("got %v, want ErrHostKey", err)
	}
	if _, credentials, reached := middle.hear(t, 1); len(credentials) > 0 || reached > 0 {
		t.Errorf("it learnt %v, and passed on %d connections", credentials, reached)
	}
	if n := bastion.logged("Accepted publickey"); n != 1 {
		t.Errorf("%d logins to the bastion, want 1", n)
	}
}
