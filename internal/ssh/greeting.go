package ssh

import (
	"fmt"
	"net"
	"strings"
	"sync"
)

// A greeting is a connection that remembers what its server said first. That is
// its version, or, of one that does not want to talk, why: sshd says "Exceeded
// MaxStartups" and hangs up.
type greeting struct {
	net.Conn
	mu   sync.Mutex
	said []byte // the first 400 bytes
}

func (g *greeting) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.mu.Lock()
	defer g.mu.Unlock()
	if room := maxPrinted - len(g.said); room > 0 {
		g.said = append(g.said, p[:min(n, room)]...)
	}
	return n, err
}

// explain adds to the error of a handshake what was said instead of a version.
func (g *greeting) explain(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	said := strings.TrimSpace(string(g.said))
	if said == "" || strings.HasPrefix(said, "SSH-") {
		return err
	}
	return fmt.Errorf("it said %q: %w", said, err)
}
