package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// A hostKeyPolicy decides which keys a host may present, and in which order it
// is asked for them.
type hostKeyPolicy struct {
	algorithms []string
	accept     xssh.HostKeyCallback // fails with a *HostKeyError
}

// commonHostKeys are asked for after the keys that are known for a host, so that
// a host that has lost the known one presents another, and can be told of.
var commonHostKeys = []string{
	xssh.KeyAlgoED25519,
	xssh.KeyAlgoECDSA256, xssh.KeyAlgoECDSA384, xssh.KeyAlgoECDSA521,
	xssh.KeyAlgoRSASHA512, xssh.KeyAlgoRSASHA256,
}

func newHostKeyPolicy(e endpoint, knownHostsFile string) (hostKeyPolicy, error) {
	if e.hostKey != "" {
		return pinnedKey(e)
	}
	files, err := knownHostsFiles(knownHostsFile)
	if err != nil {
		return hostKeyPolicy{}, err
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return hostKeyPolicy{}, fmt.Errorf("%w: %w", ErrHostKey, err)
	}
	accept := db.HostKeyCallback()
	trusted := authorities(db, e.address())
	algorithms := db.HostKeyAlgorithms(e.address())
	if len(trusted) > 0 { // whatever its own type, it may have signed keys of any
		algorithms = append(algorithms, certificateAlgorithms...)
	}
	return hostKeyPolicy{
		algorithms: preferring(algorithms),
		accept: func(address string, remote net.Addr, key xssh.PublicKey) error {
			// Over a jump the remote address is not that of the host; the name decides.
			err := accept(address, &net.TCPAddr{IP: net.IPv4zero}, key)
			if err == nil {
				return nil
			}
			if certificate, ok := key.(*xssh.Certificate); ok {
				return refuseCertificate(address, certificate, trusted, err)
			}
			refusal := &HostKeyError{Address: address, Key: key, Cause: err}
			var revoked *xknownhosts.RevokedError
			var mismatch *xknownhosts.KeyError
			switch {
			case errors.As(err, &revoked):
				refusal.Reason = HostKeyRevoked
				refusal.Known = []KnownHostKey{known(revoked.Revoked)}
			case errors.As(err, &mismatch) && len(mismatch.Want) > 0:
				for _, want := range mismatch.Want {
					k := known(want)
					if k.Authority = contains(trusted, want.Key); !k.Authority {
						refusal.Reason = HostKeyChanged
					}
					refusal.Known = append(refusal.Known, k)
				}
			}
			return refusal
		},
	}, nil
}

func pinnedKey(e endpoint) (hostKeyPolicy, error) {
	pinned, _, _, _, err := xssh.ParseAuthorizedKey([]byte(e.hostKey))
	if err != nil {
		return hostKeyPolicy{}, fmt.Errorf("%w: the pinned key must look like \"ssh-ed25519 AAAA…\": %w", ErrHostKey, err)
	}
	algorithms := []string{pinned.Type()}
	if pinned.Type() == xssh.KeyAlgoRSA {
		algorithms = []string{xssh.KeyAlgoRSASHA512, xssh.KeyAlgoRSASHA256}
	}
	return hostKeyPolicy{
		algorithms: preferring(algorithms),
		accept: func(address string, _ net.Addr, key xssh.PublicKey) error {
			if bytes.Equal(key.Marshal(), pinned.Marshal()) {
				return nil
			}
			return &HostKeyError{
				Reason: HostKeyChanged, Address: address, Key: key,
				Known: []KnownHostKey{{Key: pinned}},
			}
		},
	}, nil
}

// preferring returns the given algorithms and after them the common ones.
func preferring(algorithms []string) []string {
	for _, common := range commonHostKeys {
		if !slices.Contains(algorithms, common) {
			algorithms = append(algorithms, common)
		}
	}
	return algorithms
}

func known(key xknownhosts.KnownKey) KnownHostKey {
	return KnownHostKey{Key: key.Key, File: key.Filename, Line: key.Line}
}

// knownHostsFiles returns the files to read. Those that are not named by the
// user need not exist.
func knownHostsFiles(file string) ([]string, error) {
	if file != "" {
		if _, err := os.Stat(expand(file)); err != nil {
			return nil, fmt.Errorf("%w: known_hosts: %w", ErrHostKey, err)
		}
		return []string{expand(file)}, nil
	}
	return slices.DeleteFunc([]string{expand("~/.ssh/known_hosts"), "/etc/ssh/ssh_known_hosts"}, func(file string) bool {
		_, err := os.Stat(file)
		return err != nil
	}), nil
}
