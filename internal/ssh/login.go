package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

const (
	connectTimeout   = 10 * time.Second // one TCP connection
	handshakeTimeout = 20 * time.Second // from the TCP connection to the login
)

var errSlowLogin = fmt.Errorf("no success within %v", handshakeTimeout)

// A connectError is a failure before the host has shown a key. It is an
// ErrUnreachable.
type connectError struct {
	end   endpoint
	cause error
}

func (e *connectError) Error() string {
	return fmt.Sprintf("%v: %s: %v", ErrUnreachable, e.end.address(), e.cause)
}

func (e *connectError) Unwrap() []error { return []error{ErrUnreachable, e.cause} }

// connect opens a connection to an endpoint, through the last host of the chain
// if there is one.
func connect(ctx context.Context, through chain, end endpoint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if len(through) == 0 {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", end.address())
		if err != nil {
			return nil, &connectError{end, err}
		}
		return conn, nil
	}
	conn, err := through.last().DialContext(ctx, "tcp", end.address())
	if forwardingForbidden(err) {
		return nil, fmt.Errorf("%w: %w", ErrForwarding, err)
	}
	if err != nil {
		return nil, &connectError{end, err}
	}
	return conn, nil
}

// login shakes hands over a connection, which it closes when it fails.
func login(ctx context.Context, through chain, conn net.Conn, end endpoint, cfg Config) (*xssh.Client, error) {
	policy, err := newHostKeyPolicy(end, cfg.KnownHostsFile)
	if err != nil {
		conn.Close()
		return nil, err
	}
	keys := newKeyring(cfg, end.identities)
	defer keys.close()
	auth := &authentication{keyring: keys}

	// Connections through a host know no deadlines, so time and context both end
	// the handshake by closing.
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, errSlowLogin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { through.close(); conn.Close() })

	var refused *HostKeyError
	accepted := false
	greeted := &greeting{Conn: conn}
	sshConn, channels, requests, err := xssh.NewClientConn(greeted, end.address(), &xssh.ClientConfig{
		User:              end.user,
		AuthCallback:      auth.offerNext,
		HostKeyAlgorithms: policy.algorithms,
		HostKeyCallback: func(address string, remote net.Addr, key xssh.PublicKey) error {
			err := policy.accept(address, remote, key)
			errors.As(err, &refused)
			accepted = err == nil
			return err
		},
	})
	if !stop() && err == nil {
		sshConn.Close()
		err = context.Cause(ctx)
	}
	switch {
	case err == nil:
		return xssh.NewClient(sshConn, channels, requests), nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %s: logging in: %w", ErrUnreachable, end.address(), context.Cause(ctx))
	case refused != nil:
		return nil, refused
	case auth.started:
		return nil, auth.failure(end, err)
	case !accepted && dropped(err):
		return nil, &connectError{end, greeted.explain(err)}
	default:
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, end.address(), greeted.explain(err))
	}
}

// dropped tells a connection that broke from a host that speaks, but speaks
// something that is not understood.
func dropped(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.As(err, &network) || errors.Is(err, os.ErrClosed)
}
