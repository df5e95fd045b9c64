package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

var (
	startTimeout = 30 * time.Second // how long a login may take to become a shell
	lifeTimeout  = 5 * time.Second  // how long a network that is in order takes for an answer
)

// A session is a shell on the host.
type session struct {
	*shell
	client  *xssh.Client
	channel *xssh.Session
	stdin   io.WriteCloser
	ended   chan struct{} // closed when the host says that the session has ended
	exit    error         // how; read it after ended
}

// openSession starts a command, which must come to be a shell. It calls onEnd
// when that has ended, before anyone else learns of it.
func openSession(client *xssh.Client, command, prelude string, onEnd func()) (*session, error) {
	channel, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	s := &session{client: client, channel: channel, ended: make(chan struct{})}
	s.stdin, err = channel.StdinPipe()
	stdout, outErr := channel.StdoutPipe()
	stderr, errErr := channel.StderrPipe()
	if err = errors.Join(err, outErr, errErr); err == nil {
		err = channel.Start(command)
	}
	if err != nil {
		channel.Close()
		return nil, err
	}
	s.shell = newShell(s.stdin, stdout, stderr, prelude)
	go func() {
		s.exit = channel.Wait()
		onEnd()
		close(s.ended)
	}()
	return s, nil
}

func (s *session) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// do runs a frame. After any error the session is of no further use.
func (s *session) do(ctx context.Context, script Script, f frame, feed func(unsent error)) (Result, error) {
	type answer struct {
		result Result
		err    error
	}
	used := s.begun.Load()
	answered := make(chan answer, 1)
	go func() {
		result, err := s.run(f, feed)
		if err != nil {
			<-s.ended // its streams have, so this is not far
			err = s.explain(err, used)
		}
		answered <- answer{result, err}
	}()
	cancelled := ctx.Done()
	if script.Atomic {
		cancelled = nil
	}
	starting := time.NewTimer(startTimeout)
	defer starting.Stop()
	var asked time.Time
	var alive <-chan error // a sign of life, when it was asked for
	for {
		select {
		case a := <-answered:
			return a.result, a.err
		case <-cancelled:
			return Result{}, ctx.Err()
		case <-starting.C:
			// Is it the login that keeps silent, or the network?
			asked, alive = time.Now(), signOfLife(s.client)
		case dead := <-alive:
			switch {
			case s.begun.Load():
			case dead != nil: // the shell has ended with the connection
			case time.Since(asked) > lifeTimeout:
				starting.Reset(startTimeout)
			default: // it may yet start, and read the script that it was sent
				return Result{}, newNoShellError("", fmt.Errorf("no answer within %v: %w", startTimeout, ErrLost))
			}
		}
	}
}

// explain makes an error of this package of one of the shell's. The session has
// ended.
func (s *session) explain(err error, used bool) error {
	var silent *silentError
	if !errors.As(err, &silent) {
		return fmt.Errorf("%w (%w)", ErrLost, err)
	}
	var vanished *xssh.ExitMissingError
	switch gone := errors.As(s.exit, &vanished); {
	case !gone && !used:
		return newNoShellError(silent.printed, exitReason(s.exit))
	case !gone, errors.Is(err, errNotSent):
		// A shell reports to begin before it does anything. This one ended while
		// it was idle, with the connection intact, or it got only a part of the script.
		return errors.Join(errNotSent, s.exit)
	default:
		return fmt.Errorf("%w (%w)", ErrLost, err)
	}
}

func exitReason(exit error) error {
	if exit == nil {
		return errors.New("the login ended with status 0")
	}
	return fmt.Errorf("the login ended: %w", exit)
}
