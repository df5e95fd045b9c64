package ssh

import "context"

// popIdle takes the shell that became idle last, or returns nil.
func (p *pool) popIdle() *session {
	s, _ := p.popIdleOrCount()
	return s
}

// popIdleOrCount takes the shell that became idle last. If there is none, it
// returns the number of sessions that are open otherwise.
func (p *pool) popIdleOrCount() (*session, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		s := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !s.hasEnded() {
			return s, 0
		}
	}
	return nil, p.open
}

// endIdle ends an idle shell to make room for the session that the caller has a
// slot for. On an error the slot is given back.
func (p *pool) endIdle(ctx context.Context, s *session) error {
	s.channel.Close()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		p.slots.Release(1)
		return ctx.Err()
	}
}
