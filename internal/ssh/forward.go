package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"

	xssh "golang.org/x/crypto/ssh"
)

// DialTCP connects to an address, such as "127.0.0.1:2201", as seen from the
// host. The connection has no deadlines: closing it ends reads and writes. When
// sshd forbids it the error is ErrForwarding; when nobody listens, it is not.
func (c *Client) DialTCP(ctx context.Context, address string) (net.Conn, error) {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("connecting through %s: %w", c.cfg.Address, err)
	}
	var forwarded net.Conn
	err := c.use(ctx, func(l *link) error {
		var err error
		forwarded, err = l.dialTCP(ctx, address)
		var answer *xssh.OpenChannelError
		if err == nil || ctx.Err() != nil || errors.As(err, &answer) {
			return err
		}
		return errors.Join(errNotSent, err)
	})
	if forwardingForbidden(err) {
		err = fmt.Errorf("%w (AllowTcpForwarding): %w", ErrForwarding, err)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s through %s: %w", address, c.cfg.Address, err)
	}
	return forwarded, nil
}

// forwardingForbidden tells sshd's own refusal from the failure to connect,
// which comes with another reason.
func forwardingForbidden(err error) bool {
	var refusal *xssh.OpenChannelError
	return errors.As(err, &refusal) && refusal.Reason == xssh.Prohibited
}
