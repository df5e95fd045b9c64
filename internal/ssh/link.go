package ssh

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// A link is a live connection: the login to the host, the logins it goes
// through, and the sessions on it.
type link struct {
	chain    chain
	sessions *pool
	dead     <-chan struct{} // closed when the connection is
}

func newLink(c chain, cfg Config) *link {
	dead := make(chan struct{})
	l := &link{chain: c, sessions: newPool(c.last(), dead, cfg.Prelude), dead: dead}
	go func() {
		_ = c.last().Wait()
		c.close()
		close(dead)
	}()
	for _, client := range c {
		go keepAlive(client, cmp.Or(cfg.KeepAlive, keepAliveInterval), l.dead, c.close)
	}
	return l
}

// errDied says that the connection died under a request to open a channel. The
// request must be given up then, because golang.org/x/crypto/ssh never answers
// one that was made while the connection was ending.
var errDied = errors.New("the connection died")

// dialTCP connects to an address as seen from the host.
func (l *link) dialTCP(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-l.dead:
			cancel(errDied)
		case <-ctx.Done():
		}
	}()
	conn, err := l.chain.last().DialContext(ctx, "tcp", address)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return conn, err
}

func (l *link) close() {
	l.chain.close()
	<-l.dead
}

// endIfDead makes sure that a connection that broke is known to be dead.
func (l *link) endIfDead() {
	if err := askForLife(l.chain.last()); err != nil {
		l.close()
	}
}

func (l *link) isDead() bool {
	select {
	case <-l.dead:
		return true
	default:
		return false
	}
}

const (
	keepAliveInterval = 15 * time.Second
	keepAliveMissed   = 3 // intervals without an answer, after which a connection is dead
)

// keepAlive asks the host for a sign of life every interval until the
// connection is dead, and ends it when no answer comes: a half-open connection
// would otherwise hang for as long as TCP allows.
func keepAlive(client *xssh.Client, interval time.Duration, dead <-chan struct{}, end func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-dead:
			return
		}
		select {
		case <-signOfLife(client):
		case <-dead:
			return
		case <-time.After(keepAliveMissed * interval):
			end()
			return
		}
	}
}

// signOfLife tells when the host has answered, or why it never will.
func signOfLife(client *xssh.Client) <-chan error {
	answered := make(chan error, 1)
	go func() { answered <- askForLife(client) }()
	return answered
}

// askForLife returns when the host has answered. sshd refuses the request, and
// the refusal is the answer.
func askForLife(client *xssh.Client) error {
	_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
	return err
}
