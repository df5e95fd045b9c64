package ssh

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
)

// A shell is a POSIX shell that reads frames from its standard input, one after
// another. It knows nothing of how it is reached.
type shell struct {
	stdin          io.Writer
	stdout, stderr *bufio.Reader
	preamble       string // goes before the first frame
	nonce          string
	frames         int
	begun          atomic.Bool // has answered to a frame
}

func newShell(stdin io.Writer, stdout, stderr io.Reader, prelude string) *shell {
	return &shell{
		stdin:    stdin,
		stdout:   bufio.NewReader(stdout),
		stderr:   bufio.NewReader(stderr),
		preamble: preamble(prelude),
		nonce:    rand.Text(),
	}
}

func preamble(prelude string) string { return setup + prelude + "\n" }

// errNotSent says that the shell did not get a whole frame: nothing of the
// script has run.
var errNotSent = errors.New("the script was not sent")

// errCut says that the shell ended within a frame.
var errCut = errors.New("the shell ended before the script did")

// A silentError says that the shell ended without answering to a frame, and
// what it printed instead.
type silentError struct{ printed string }

func (e *silentError) Error() string { return "the shell ended without an answer" }

// next returns the frame of the next script. The counter keeps a process that
// an earlier script left behind from being taken for this one.
func (s *shell) next(script Script, ownStdin bool) frame {
	s.frames++
	f := newFrame(fmt.Sprintf("%s.%d", s.nonce, s.frames), s.preamble, script, ownStdin)
	s.preamble = ""
	return f
}

// run sends a frame and reads its answer. Then, if there is one, it calls feed in
// the goroutine that writes, and does not wait for it.
//
// The error is errNotSent, errCut or a *silentError.
func (s *shell) run(f frame, feed func(unsent error)) (Result, error) {
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(s.stdin, f.text)
		sent <- err
		if feed != nil {
			feed(err)
		}
	}()
	stderr := make(chan section, 1)
	go func() { stderr <- readSection(s.stderr, f, nil) }()
	out := readSection(s.stdout, f, func() { s.begun.Store(true) })
	err := <-stderr

	if sendErr := <-sent; sendErr != nil && !out.begun {
		return Result{}, errors.Join(errNotSent, &silentError{out.text + err.text})
	}
	if !out.begun {
		return Result{}, &silentError{out.text + err.text}
	}
	status, parseErr := strconv.Atoi(strings.TrimSpace(out.rest))
	if out.err != nil || err.err != nil || parseErr != nil {
		return Result{}, errCut
	}
	return Result{Stdout: out.text, Stderr: err.text, Status: status}, nil
}

// A section is what a frame printed on one of its streams.
type section struct {
	begun bool   // the begin marker was seen: text is the script's
	text  string // else what stood in its place
	rest  string // of the end marker's line
	err   error
}

func readSection(r *bufio.Reader, f frame, onBegin func()) section {
	noise, _, err := readTo(r, f.begin)
	if err != nil {
		return section{text: string(noise), err: err}
	}
	if onBegin != nil {
		onBegin()
	}
	text, rest, err := readTo(r, f.end)
	return section{begun: true, text: string(text), rest: rest, err: err}
}
