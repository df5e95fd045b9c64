package ssh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
)

// shellCommand is given to the user's login shell, whichever that is.
const shellCommand = "exec /bin/sh"

// streamCommand is a shell that reads as many bytes of script from its standard
// input and leaves the rest to it: only dd is sure not to read ahead. The script
// is not an argument, because those are limited, and because the quoting that a
// login shell such as fish or csh understands is not that of sh.
const streamCommand = `exec /bin/sh -c 'eval "$(dd bs=1 count=%d 2>/dev/null)"'`

// check refuses what no shell can be told.
func (s Script) check() error {
	if strings.Contains(s.Text, "\x00") {
		return errors.New("the text contains a NUL byte")
	}
	for i, arg := range s.Args {
		if strings.Contains(arg, "\x00") {
			return fmt.Errorf("argument %d contains a NUL byte", i+1)
		}
	}
	return nil
}

// run runs a script in an idle shell, or in a new one.
func (p *pool) run(ctx context.Context, script Script) (Result, error) {
	s, err := p.get(ctx, shellCommand, true)
	if err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		p.put(s)
		return Result{}, err
	}
	result, err := s.do(ctx, script, s.next(script, false), nil)
	if err != nil {
		p.drop(s)
		return Result{}, err
	}
	p.put(s)
	return result, nil
}

// stream runs a script in a session of its own, with data as standard input.
func (p *pool) stream(ctx context.Context, script Script, data io.Reader) (Result, error) {
	f := newFrame(rand.Text(), preamble(p.prelude), script, true)
	s, err := p.get(ctx, fmt.Sprintf(streamCommand, len(f.text)), false)
	if err != nil {
		return Result{}, err
	}
	source := &source{Reader: data}
	fed := make(chan struct{})
	result, err := s.do(ctx, script, f, func(unsent error) {
		if unsent == nil {
			_, unsent = io.Copy(s.stdin, source)
		}
		if unsent == nil {
			s.stdin.Close()
		}
		close(fed)
		if source.err != nil {
			s.channel.Close()
		}
	})
	p.drop(s)
	if err == nil {
		select {
		case <-fed:
		case <-ctx.Done():
		}
	}
	select {
	case <-fed:
		if source.err != nil {
			return Result{}, fmt.Errorf("reading the data to send: %w", source.err)
		}
	default:
	}
	return result, err
}

// A source remembers that it failed, which io.Copy does not tell from a failure
// to write.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
