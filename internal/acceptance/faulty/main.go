// Command faulty is the provider, but a test is asked before and after each of
// the steps that it takes on a host, and may have it come to harm there.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

func main() {
	conductor := os.Getenv("KVM_FAULTS_SOCKET")
	dial := func(c ssh.Config) host.Transport {
		c.KeepAlive = 500 * time.Millisecond // a test does not wait for a minute
		return &steps{ssh.New(c), conductor}
	}
	err := providerserver.Serve(context.Background(), provider.NewOver("faulty", dial), providerserver.ServeOpts{Address: provider.Address})
	if err != nil {
		log.Fatal(err)
	}
}

// steps is a transport whose every use is a step: a script, a chunk of an upload,
// a connection to a guest.
type steps struct {
	host.Transport
	conductor string // a UNIX socket
}

func (s *steps) Run(ctx context.Context, script ssh.Script) (ssh.Result, error) {
	return step(s, script.Name, func() (ssh.Result, error) { return s.Transport.Run(ctx, script) })
}

func (s *steps) Stream(ctx context.Context, script ssh.Script, stdin io.Reader) (ssh.Result, error) {
	return step(s, script.Name, func() (ssh.Result, error) {
		return s.Transport.Stream(ctx, script, &chunks{steps: s, Reader: stdin})
	})
}

func (s *steps) DialTCP(ctx context.Context, address string) (net.Conn, error) {
	return step(s, "dial", func() (net.Conn, error) { return s.Transport.DialTCP(ctx, address) })
}

// step does something between two questions. When the connection came to harm
// after it, its answer did not get here.
func step[T any](s *steps, name string, do func() (T, error)) (T, error) {
	n := s.ask("before " + name)
	result, err := do()
	if s.ask("after "+n) == "lost" {
		var none T
		return none, ssh.ErrLost
	}
	return result, err
}

// ask tells the conductor where the provider is, and goes on when it may. The
// answer before a step is its number, and after it whether it got here.
func (s *steps) ask(where string) string {
	conn, err := net.Dial("unix", s.conductor)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%d %s\n", os.Getpid(), where)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	return answer[:len(answer)-1]
}

// chunkSize is how much of an upload is one step, in bytes.
const chunkSize = 2 << 20

// chunks is an upload of which each chunk is a step.
type chunks struct {
	*steps
	io.Reader
	left int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.ask("after " + c.ask("before chunk"))
		c.left = chunkSize
	}
	n, err := c.Reader.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
