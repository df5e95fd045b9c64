package ssh

import (
	"fmt"
	"io"
	"slices"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// An offer is a key that keeps account of what became of it.
type offer struct {
	xssh.AlgorithmSigner
	source string
	asked  bool  // offered to the host
	signed bool  // the host knows the key and wanted a signature
	err    error // of signing
}

func (o *offer) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*xssh.Signature, error) {
	o.signed = true
	var signature *xssh.Signature
	signature, o.err = o.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	return signature, o.err
}

func (o *offer) outcome() string {
	switch {
	case o.err != nil:
		return fmt.Sprintf("cannot sign: %v", o.err)
	case o.signed:
		return "known to the host, but not enough to log in"
	case o.asked:
		return "refused by the host"
	default:
		return "not offered"
	}
}

// An authentication is one attempt to log in, with all keys there are.
type authentication struct {
	keyring *keyring
	next    int
	started bool     // the host has named its methods
	methods []string // that the host would accept now
}

// offerNext hands out the keys one at a time: a key that cannot sign, of an
// agent that asks its user for instance, then does not end the attempt.
func (a *authentication) offerNext(ctx *xssh.ClientAuthContext) (xssh.AuthMethod, error) {
	a.started = true
	a.methods = ctx.AllowedMethods
	if a.next == len(a.keyring.keys) || !slices.Contains(ctx.AllowedMethods, "publickey") {
		return nil, nil
	}
	key := a.keyring.keys[a.next]
	a.next++
	key.asked = true
	return xssh.PublicKeys(key), nil
}

// failure explains an attempt that failed. It is an ErrAuthentication.
func (a *authentication) failure(e endpoint, cause error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "the host accepts %s", strings.Join(a.methods, ", "))
	for _, key := range a.keyring.keys {
		fmt.Fprintf(&b, "\n  %s (%s): %s", describe(key.PublicKey()), key.source, key.outcome())
	}
	for _, why := range a.keyring.unusable {
		fmt.Fprintf(&b, "\n  %s", why)
	}
	return fmt.Errorf("%w: user %s at %s: %w; %s", ErrAuthentication, e.user, e.address(), cause, b.String())
}
