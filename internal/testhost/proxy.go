package testhost

import (
	"fmt"
	"io"
	"net"
	"sync"
)

// A Proxy stands on loopback between a client and a server, and has their
// connections come to harm.
type Proxy struct {
	Port int

	to       string
	listener net.Listener
	mu       sync.Mutex
	links    []*link
}

// A link is one connection through a proxy. Frozen, it takes what is sent and
// passes nothing on, and neither end is told.
type link struct {
	client, server *net.TCPConn
	frozen         chan struct{}
	freeze         func()
}

// StartProxy makes a proxy to an address of a host and a port. The caller must
// Close it.
func StartProxy(address string, port int) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a proxy: %w", err)
	}
	p := &Proxy{Port: listener.Addr().(*net.TCPAddr).Port, to: net.JoinHostPort(address, fmt.Sprint(port)), listener: listener}
	go p.accept()
	return p, nil
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{client: client.(*net.TCPConn), server: server.(*net.TCPConn), frozen: make(chan struct{})}
		l.freeze = sync.OnceFunc(func() { close(l.frozen) })
		p.mu.Lock()
		p.links = append(p.links, l)
		p.mu.Unlock()
		go l.pass(l.server, l.client)
		go l.pass(l.client, l.server)
	}
}

func (l *link) pass(to, from *net.TCPConn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-l.frozen:
			_, _ = io.Copy(io.Discard, from) // until the proxy is closed
			return
		default:
		}
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			_ = to.CloseWrite()
			return
		}
	}
}

// each does something with the connections that there are.
func (p *Proxy) each(do func(*link)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.links {
		do(l)
	}
}

// Reset ends the connections that there are, at both ends, by a TCP reset.
func (p *Proxy) Reset() {
	p.each(func(l *link) {
		for _, conn := range []*net.TCPConn{l.client, l.server} {
			_ = conn.SetLinger(0)
			conn.Close()
		}
	})
}

// Freeze makes the connections that there are half-open. New ones are not.
func (p *Proxy) Freeze() { p.each(func(l *link) { l.freeze() }) }

// Connections are all that there ever were to the server, as sshd tells a shell of
// its own in SSH_CONNECTION.
func (p *Proxy) Connections() (connections []string) {
	p.each(func(l *link) {
		from, to := l.server.LocalAddr().(*net.TCPAddr), l.server.RemoteAddr().(*net.TCPAddr)
		connections = append(connections, fmt.Sprint(from.IP, " ", from.Port, " ", to.IP, " ", to.Port))
	})
	return connections
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.each(func(l *link) {
		l.client.Close()
		l.server.Close()
	})
	return err
}
