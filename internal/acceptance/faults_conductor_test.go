package acceptance_test

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// When a fault comes: before a step, while it is done, or when it is done and its
// provider does not know that yet.
const (
	before = "before"
	during = "during"
	behind = "after"
)

// A step is something that a provider does on a host, and how long it took.
type step struct {
	name  string
	begun time.Time
	took  time.Duration
}

// unknownStep is how long a step is taken to take that was not done before.
const unknownStep = 100 * time.Millisecond

// A conductor numbers the steps of a faulty provider, in whichever processes
// Terraform runs it, and has a fault come at one of them.
type conductor struct {
	socket string
	fault  func(provider int) (lost bool) // pid; reports whether an answer that has been given is lost
	n      int                            // of the step, from 1 on
	at     string
	delay  float64 // of a fault during a step: the part of the time it takes

	mu       sync.Mutex
	steps    []step
	expected []step        // of a run without a fault
	struck   string        // the name of the step; "" while there was no fault
	over     chan struct{} // closed when step n is done
}

func (c *conductor) listen(t *testing.T, dir string) {
	t.Helper()
	c.socket, c.over = filepath.Join(dir, "steps"), make(chan struct{})
	listener, err := net.Listen("unix", c.socket)
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.answer(conn)
		}
	}()
}

// answer says what becomes of one step. A provider that is killed hears nothing.
func (c *conductor) answer(conn net.Conn) {
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n') // a provider may be killed as it asks
	words := strings.SplitN(strings.TrimSpace(line), " ", 3)
	if len(words) != 3 {
		return
	}
	provider, _ := strconv.Atoi(words[0]) // it is one
	if words[1] == before {
		n := c.begin(words[2])
		if n == c.n && c.at != behind {
			c.come(provider, n)
		}
		fmt.Fprintln(conn, n)
		return
	}
	n, _ := strconv.Atoi(words[2])
	c.end(n)
	if n == c.n && c.at == behind && c.come(provider, n) {
		fmt.Fprintln(conn, "lost")
		return
	}
	fmt.Fprintln(conn, "heard")
}

// come has the fault come now, or during the step; it reports whether an answer
// that has been given is lost.
func (c *conductor) come(provider, n int) (lost bool) {
	if c.fault == nil {
		return false
	}
	c.mu.Lock()
	c.struck = c.steps[n-1].name
	c.mu.Unlock()
	if c.at != during {
		return c.fault(provider)
	}
	usual := unknownStep
	if n <= len(c.expected) {
		usual = c.expected[n-1].took
	}
	time.AfterFunc(time.Duration(c.delay*float64(usual)), func() { c.fault(provider) })
	return false
}

// begin notes that a step begins, and returns its number.
func (c *conductor) begin(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps = append(c.steps, step{name: name, begun: time.Now()})
	return len(c.steps)
}

func (c *conductor) end(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps[n-1].took = time.Since(c.steps[n-1].begun)
	if n == c.n {
		close(c.over)
	}
}

// seen are the steps that there were, and the one at which the fault came.
func (c *conductor) seen() ([]step, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steps, c.struck
}
