package ssh

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

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

// A pretender shows a key, and signs with another.
type pretender struct {
	xssh.Signer
	shown xssh.PublicKey
}

func (p pretender) PublicKey() xssh.PublicKey { return p.shown }
