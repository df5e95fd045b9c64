// Package ssh runs POSIX sh scripts on a host over one SSH connection, and
// forwards TCP connections through it.
//
// A Client logs in when it is first used, and again when its connection has
// died. Scripts run in shells that are kept, at most eight at once: one round
// trip each. Host keys are always checked. What the host should do twice, or
// not at all, when the connection breaks is never guessed: the error is ErrLost
// as soon as a script may have run.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// A Client is a host to run scripts on. It may be used concurrently.
type Client struct {
	cfg  Config
	ctx  context.Context // of the connection, which outlives any one call
	stop context.CancelFunc

	mu      sync.Mutex
	current *attempt // to connect: under way, or the latest
}

// New makes a client. It neither connects nor reads a file.
func New(cfg Config) *Client {
	ctx, stop := context.WithCancel(context.Background())
	return &Client{cfg: cfg, ctx: ctx, stop: stop}
}

// Run runs a script without standard input, in a shell that is kept.
//
// The errors are those of this package, and the context's: when the context
// ends before the script was sent, nothing has run; when it ends later, the
// script is abandoned and may run to its end, unless it is Atomic: then Run
// waits for it, and returns its result.
//
// A process that a script leaves behind should not keep its output open. What
// it prints is discarded between scripts, but may turn up in a later one.
func (c *Client) Run(ctx context.Context, script Script) (Result, error) {
	return c.do(ctx, script, func(l *link) (Result, error) { return l.sessions.run(ctx, script) })
}

// Stream runs a script of which data is the standard input, in a session of its
// own and in constant memory. When the script ends early the rest of data is
// left unread; Stream returns after the read that is under way.
//
// When data fails Stream returns its error, and the script sees the end of its
// input as if it were whole. So must it when the connection dies. A script must
// therefore check size or sum before it takes what it got for what was meant.
func (c *Client) Stream(ctx context.Context, script Script, data io.Reader) (Result, error) {
	return c.do(ctx, script, func(l *link) (Result, error) { return l.sessions.stream(ctx, script, data) })
}

func (c *Client) do(ctx context.Context, script Script, run func(*link) (Result, error)) (Result, error) {
	var result Result
	err := script.check()
	if err == nil {
		err = c.use(ctx, func(l *link) (err error) {
			result, err = run(l)
			return err
		})
	}
	if err != nil {
		return Result{}, fmt.Errorf("script %s on %s: %w", script.Name, c.cfg.Address, err)
	}
	return result, nil
}

// use calls do with a live connection. When do fails with errNotSent, and so
// has done nothing on the host, it is called once more: the connection may have
// died unnoticed since it was last used.
func (c *Client) use(ctx context.Context, do func(*link) error) error {
	for again := true; ; again = false {
		l, err := c.connection(ctx)
		if err != nil {
			return err
		}
		if err = do(l); !errors.Is(err, errNotSent) {
			return err
		}
		if !again {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		l.endIfDead()
	}
}

// Close ends the connection. Scripts in hand fail with ErrLost, and later calls
// with net.ErrClosed.
func (c *Client) Close() error {
	c.stop()
	c.mu.Lock()
	a := c.current
	c.mu.Unlock()
	if a != nil {
		<-a.done
		if a.link != nil {
			a.link.close()
		}
	}
	return nil
}

// An attempt to connect, shared by all who need the connection.
type attempt struct {
	done chan struct{} // closed when link and err are set
	link *link
	err  error
}

// connection returns the live connection, making one if there is none. A caller
// whose context ends leaves the attempt to the others.
func (c *Client) connection(ctx context.Context) (*link, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.ctx.Err() != nil {
		c.mu.Unlock()
		return nil, net.ErrClosed
	}
	if c.current == nil || c.current.over() {
		c.current = &attempt{done: make(chan struct{})}
		go c.current.connect(c.ctx, c.cfg)
	}
	a := c.current
	c.mu.Unlock()

	select {
	case <-a.done:
		if a.err != nil && c.ctx.Err() != nil {
			return nil, net.ErrClosed
		}
		return a.link, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("connecting: %w", ctx.Err())
	}
}

func (a *attempt) connect(ctx context.Context, cfg Config) {
	defer close(a.done)
	chain, err := dial(ctx, cfg)
	if err != nil {
		a.err = err
		return
	}
	a.link = newLink(chain, cfg)
}

// over tells whether the attempt failed, or led to a connection that is dead.
func (a *attempt) over() bool {
	select {
	case <-a.done:
		return a.err != nil || a.link.isDead()
	default:
		return false
	}
}
