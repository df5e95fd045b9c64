package ssh

import (
	"context"
	"errors"
	"fmt"
	"sync"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/sync/semaphore"
)

// maxSessions at once on a connection; sshd allows ten (MaxSessions).
const maxSessions = 8

// A pool holds the sessions of a connection: those in use, each with a slot, and
// idle shells. A slot is free again only when the host says that its session has
// ended, because a session that was closed counts for sshd until its process
// ends.
type pool struct {
	client  *xssh.Client
	dead    <-chan struct{} // closed when the connection is
	prelude string
	slots   *semaphore.Weighted

	mu   sync.Mutex
	idle []*session // the last is the latest
	open int        // sessions that sshd counts, or is being asked for
	ends int        // sessions that have ended
}

func newPool(client *xssh.Client, dead <-chan struct{}, prelude string) *pool {
	return &pool{client: client, dead: dead, prelude: prelude, slots: semaphore.NewWeighted(maxSessions)}
}

// errNoRoom says that there are as many sessions as there may be.
var errNoRoom = errors.New("too many sessions")

// get returns an idle shell, or a new session if there is none or reuse is not
// wanted. Hand it back to put or drop.
func (p *pool) get(ctx context.Context, command string, reuse bool) (*session, error) {
	if err := p.takeSlot(ctx); err != nil {
		return nil, err
	}
	heeded := 0 // the ends that a refusal is known to reckon with
	for {
		if reuse {
			if s := p.popIdle(); s != nil {
				return s, nil
			}
		}
		ends := p.countEnds()
		s, err := p.start(ctx, command)
		var refusal *xssh.OpenChannelError
		if !errors.Is(err, errNoRoom) && !errors.As(err, &refusal) {
			return s, err
		}
		if refusal != nil && ends != heeded {
			// sshd says that a session has ended a little before it stops to count
			// it. The next answer, a round trip later, is the truth.
			heeded = ends
			continue
		}
		idle, others := p.popIdleOrCount()
		switch {
		case idle != nil && reuse:
			return idle, nil
		case idle != nil:
			if err := p.endIdle(ctx, idle); err != nil {
				return nil, err
			}
		case errors.Is(err, errNoRoom):
			// There was an idle shell, and now it is in use; so there is room.
		case others > 0:
			// sshd has fewer sessions than we have slots. This slot is never given
			// back; there is another when one of the others ends.
			if err := p.takeSlot(ctx); err != nil {
				return nil, err
			}
		default:
			p.slots.Release(1)
			return nil, newNoShellError("", fmt.Errorf("sshd opens no session (MaxSessions): %w", err))
		}
	}
}

func (p *pool) takeSlot(ctx context.Context) error {
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("waiting for one of the host's sessions, all in use: %w", err)
	}
	return nil
}

// start opens a session for the slot that the caller holds. On an error the slot
// is given back, unless the error is that there is no room.
func (p *pool) start(ctx context.Context, command string) (*session, error) {
	p.mu.Lock()
	if p.open >= maxSessions {
		p.mu.Unlock()
		return nil, errNoRoom
	}
	p.open++
	p.mu.Unlock()

	type opened struct {
		session *session
		err     error
	}
	result := make(chan opened, 1)
	go func() {
		s, err := openSession(p.client, command, p.prelude, p.ended)
		if err != nil {
			p.mu.Lock()
			p.open--
			p.mu.Unlock()
		}
		result <- opened{s, err}
	}()
	select {
	case o := <-result:
		var refusal *xssh.OpenChannelError
		if o.err != nil && !errors.As(o.err, &refusal) {
			p.slots.Release(1)
			return nil, errors.Join(errNotSent, o.err)
		}
		return o.session, o.err
	case <-p.dead:
		p.slots.Release(1)
		return nil, errors.Join(errNotSent, errDied)
	case <-ctx.Done():
		go func() {
			if o := <-result; o.err == nil {
				p.drop(o.session)
			} else {
				p.slots.Release(1)
			}
		}()
		return nil, ctx.Err()
	}
}

func (p *pool) ended() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.ends++
}

func (p *pool) countEnds() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends
}

// put makes a session idle.
func (p *pool) put(s *session) {
	p.mu.Lock()
	p.idle = append(p.idle, s)
	p.mu.Unlock()
	p.slots.Release(1)
}

// drop ends a session that is in use.
func (p *pool) drop(s *session) {
	s.channel.Close()
	go func() {
		<-s.ended
		p.slots.Release(1)
	}()
}
