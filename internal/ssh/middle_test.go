package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
)

// A middleman sits on the way to a server and speaks SSH with a key of its own.
// Whoever logs in with it is passed on to the server, with the credentials the
// middleman was told. It keeps account of what it was told.
type middleman struct {
	port int

	mu          sync.Mutex
	handshakes  []error  // how each ended
	credentials []string // users and methods of every attempt to log in, "none" too
	reached     int      // connections that were passed on
}

func startMiddleman(t *testing.T, behind *server, keys ...xssh.Signer) *middleman {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	m := &middleman{port: listener.Addr().(*net.TCPAddr).Port}
	config := &xssh.ServerConfig{
		NoClientAuth: true, // let everybody in: all the sooner it learns what they want
		AuthLogCallback: func(conn xssh.ConnMetadata, method string, _ error) {
			m.note(func() { m.credentials = append(m.credentials, conn.User()+" "+method) })
		},
		PublicKeyCallback: func(xssh.ConnMetadata, xssh.PublicKey) (*xssh.Permissions, error) { return nil, nil },
		PasswordCallback:  func(xssh.ConnMetadata, []byte) (*xssh.Permissions, error) { return nil, nil },
	}
	for _, key := range keys {
		config.AddHostKey(key)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go m.serve(conn, config, behind)
		}
	}()
	return m
}

func (m *middleman) note(what func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	what()
}

// serve shakes hands, and then carries every channel to the server, as a login
// of its own there.
func (m *middleman) serve(conn net.Conn, config *xssh.ServerConfig, behind *server) {
	defer conn.Close()
	victim, channels, requests, err := xssh.NewServerConn(conn, config)
	m.note(func() { m.handshakes = append(m.handshakes, err) })
	if err != nil {
		return
	}
	go xssh.DiscardRequests(requests)
	key, err := xssh.ParsePrivateKey([]byte(behind.userKey)) // stands for what it would have stolen
	if err != nil {
		return
	}
	real, err := xssh.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", behind.port), &xssh.ClientConfig{
		User: victim.User(), Auth: []xssh.AuthMethod{xssh.PublicKeys(key)}, HostKeyCallback: xssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		return
	}
	defer real.Close()
	m.note(func() { m.reached++ })
	for opening := range channels {
		there, thereRequests, err := real.OpenChannel(opening.ChannelType(), opening.ExtraData())
		if err != nil {
			_ = opening.Reject(xssh.ConnectionFailed, err.Error())
			continue
		}
		here, hereRequests, err := opening.Accept()
		if err != nil {
			return
		}
		go pass(there, here, hereRequests)
		go pass(here, there, thereRequests)
	}
}

func pass(to, from xssh.Channel, requests <-chan *xssh.Request) {
	go func() { _, _ = io.Copy(to.Stderr(), from.Stderr()) }()
	go func() { _, _ = io.Copy(to, from); _ = to.CloseWrite() }()
	for request := range requests {
		ok, _ := to.SendRequest(request.Type, request.WantReply, request.Payload)
		if request.WantReply {
			_ = request.Reply(ok, nil)
		}
	}
	to.Close()
}

// hear returns what the middleman has learnt, when n handshakes have ended.
func (m *middleman) hear(t *testing.T, n int) (handshakes []error, credentials []string, reached int) {
	t.Helper()
	eventually(t, "the handshakes have ended", func() (over bool) {
		m.note(func() { over = len(m.handshakes) >= n })
		return over
	})
	m.note(func() { handshakes, credentials, reached = m.handshakes, m.credentials, m.reached })
	return handshakes, credentials, reached
}

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

// A pretender shows a key, and signs with another.
type pretender struct {
	xssh.Signer
	shown xssh.PublicKey
}

func (p pretender) PublicKey() xssh.PublicKey { return p.shown }

func authorityLine(pattern string, authority xssh.Signer) string {
	return strings.Join([]string{"@cert-authority", pattern, authorizedKey(authority.PublicKey())}, " ")
}
