package ssh

import (
	"fmt"
	"strings"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
)

// A HostKeyReason is why a host's key is not accepted.
type HostKeyReason int

const (
	HostKeyUnknown     HostKeyReason = iota // nothing is known of the host
	HostKeyChanged                          // another key is known, or pinned
	HostKeyRevoked                          // known_hosts revokes this very key
	HostKeyAuthority                        // its certificate is of an authority that is not known for it
	HostKeyCertificate                      // its certificate is of a known authority, and not in order or revoked
)

// A KnownHostKey is a key that a host is known by. A key without a file is
// pinned in the configuration, unless it is an authority's.
type KnownHostKey struct {
	Key       xssh.PublicKey
	Authority bool // it certifies the keys of hosts
	File      string
	Line      int
}

// A HostKeyError says which key a host presented and why it is not accepted.
// Its text tells how to accept the key. It is an ErrHostKey.
type HostKeyError struct {
	Reason  HostKeyReason
	Address string // host:port
	Key     xssh.PublicKey
	Known   []KnownHostKey
	Cause   error // of known_hosts; nil for a pinned key
}

func (e *HostKeyError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrHostKey}
	}
	return []error{ErrHostKey, e.Cause}
}

func (e *HostKeyError) Error() string {
	var b strings.Builder
	switch e.Reason {
	case HostKeyRevoked:
		fmt.Fprintf(&b, "%v: %s presents a key that is revoked, %s", ErrHostKey, e.Address, describe(e.Key))
	case HostKeyChanged:
		fmt.Fprintf(&b, "%v: the key of %s has changed to %s. Someone may be impersonating the host (an attack), or its key was made anew", ErrHostKey, e.Address, describe(e.Key))
	case HostKeyAuthority, HostKeyCertificate:
		certificate := e.Key.(*xssh.Certificate)
		fmt.Fprintf(&b, "%v: %s presents a certificate of the key %s, signed by %s: %v",
			ErrHostKey, e.Address, describe(certificate.Key), describe(certificate.SignatureKey), e.Cause)
	default:
		fmt.Fprintf(&b, "%v: the key of %s is not known, %s", ErrHostKey, e.Address, describe(e.Key))
	}
	for _, known := range e.Known {
		where := "pinned as host_key"
		switch {
		case known.File != "" && known.Authority:
			where = fmt.Sprintf("certificate authority, %s:%d", known.File, known.Line)
		case known.File != "":
			where = fmt.Sprintf("%s:%d", known.File, known.Line)
		case known.Authority:
			where = "certificate authority"
		}
		fmt.Fprintf(&b, "\n  known: %s (%s)", describe(known.Key), where)
	}
	switch e.Reason {
	case HostKeyRevoked, HostKeyCertificate:
		return b.String()
	case HostKeyAuthority:
		authority := e.Key.(*xssh.Certificate).SignatureKey
		fmt.Fprintf(&b, "\nCompare the fingerprint with that of your authority. If it is the same, put into known_hosts the line\n  @cert-authority %s",
			knownhosts.Line([]string{e.Address}, authority))
		return b.String()
	}
	b.WriteString("\nCompare the fingerprint with that of the host. If it is the same, ")
	if e.Reason == HostKeyChanged {
		b.WriteString("replace what is known: ")
	}
	fmt.Fprintf(&b, "put into known_hosts the line\n  %s\nor configure\n  host_key = %q",
		knownhosts.Line([]string{e.Address}, e.Key), authorizedKey(e.Key))
	return b.String()
}

// describe names a key as ssh-keygen -l does.
func describe(key xssh.PublicKey) string { return key.Type() + " " + xssh.FingerprintSHA256(key) }

func authorizedKey(key xssh.PublicKey) string {
	return strings.TrimSpace(string(xssh.MarshalAuthorizedKey(key)))
}
