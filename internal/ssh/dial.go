package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// retryDelays are the pauses before further tries to connect: sshd drops bursts
// of connections (MaxStartups), and a host that restarts refuses them.
var retryDelays = []time.Duration{500 * time.Millisecond, 2 * time.Second}

// A chain is a login to a host, and before it the logins to the hosts that it
// goes through.
type chain []*xssh.Client

// close ends the outermost connection first, because ending an inner one needs
// the answer of the host that it goes through.
func (c chain) close() {
	for _, client := range c {
		client.Close()
	}
}

func (c chain) last() *xssh.Client { return c[len(c)-1] }

// dial logs in to a host. Failures to connect are tried again a few times;
// refused keys, on either side, are not: that would count as an attack.
func dial(ctx context.Context, cfg Config) (chain, error) {
	ends, err := route(cfg)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		c, err := dialOnce(ctx, cfg, ends)
		if err == nil {
			return c, nil
		}
		if !worthRetrying(err) || try == len(retryDelays) {
			return nil, err
		}
		select {
		case <-time.After(retryDelays[try]):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func worthRetrying(err error) bool {
	var noName *net.DNSError
	if errors.As(err, &noName) && noName.IsNotFound {
		return false
	}
	var connecting *connectError
	return errors.As(err, &connecting)
}

func dialOnce(ctx context.Context, cfg Config, ends []endpoint) (chain, error) {
	var c chain
	for _, end := range ends {
		conn, err := connect(ctx, c, end)
		if err == nil {
			var client *xssh.Client
			if client, err = login(ctx, c, conn, end, cfg); err == nil {
				c = append(c, client)
				continue
			}
		}
		c.close()
		if len(c) > 0 {
			err = fmt.Errorf("through %s: %w", ends[len(c)-1].address(), err)
		}
		return nil, err
	}
	return c, nil
}
