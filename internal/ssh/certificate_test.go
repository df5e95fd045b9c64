package ssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// certify makes a host certificate of a key for 127.0.0.1.
func certify(t *testing.T, key, authority xssh.Signer, change func(*xssh.Certificate)) xssh.Signer {
	t.Helper()
	certificate := &xssh.Certificate{
		Key: key.PublicKey(), Serial: 7, CertType: xssh.HostCert, KeyId: "test host", ValidPrincipals: []string{"127.0.0.1"},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if change != nil {
		change(certificate)
	}
	if err := certificate.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := xssh.NewCertSigner(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func rsaKey(t *testing.T) xssh.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, signer := marshalKey(t, key, "")
	return signer
}

// hostFiles writes a host key of a type, with a certificate if there is an
// authority, and returns the directives of an sshd that has them.
func hostFiles(t *testing.T, kind string, authority xssh.Signer, change func(*xssh.Certificate)) (directives []string, key xssh.Signer) {
	t.Helper()
	var pemText string
	switch kind {
	case "ed25519":
		pemText, key = newKey(t)
	case "ecdsa":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		pemText, key = marshalKey(t, private, "")
	case "rsa":
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		pemText, key = marshalKey(t, private, "")
	}
	file := filepath.Join(t.TempDir(), kind)
	writeFile(t, file, pemText)
	directives = []string{"HostKey " + file}
	if authority != nil {
		writeFile(t, file+"-cert.pub", authorizedKey(certify(t, key, authority, change).PublicKey())+"\n")
		directives = append(directives, "HostCertificate "+file+"-cert.pub")
	}
	return directives, key
}

// authorityLine is that of known_hosts which trusts an authority.
func authorityLine(pattern string, authority xssh.Signer) string {
	return "@cert-authority " + pattern + " " + authorizedKey(authority.PublicKey())
}

func TestClient_AcceptsWhatACertificateAuthorityVouchesFor(t *testing.T) {
	_, ed25519Authority := newKey(t)
	authorities := map[string]xssh.Signer{"ed25519": ed25519Authority, "rsa": rsaKey(t)}
	for by, authority := range authorities {
		for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
			t.Run(kind+" by "+by, func(t *testing.T) {
				directives, _ := hostFiles(t, kind, authority, nil)
				server := startSSHD(t, directives...)
				cfg := server.config(t)
				for _, pattern := range []string{fmt.Sprintf("[127.0.0.1]:%d", server.port), "*"} {
					cfg.KnownHostsFile = knownHostsFile(t, authorityLine(pattern, authority))
					mustRun(t, newClient(t, cfg), "true")
				}
			})
		}
	}
}

func TestClient_RefusesACertificateAndSaysWhy(t *testing.T) {
	_, authority := newKey(t)
	_, other := newKey(t)
	for name, c := range map[string]struct {
		change func(*xssh.Certificate)
		known  func(port int, key xssh.PublicKey) []string
		says   string
	}{
		"it has expired":         {func(c *xssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) }, nil, "expired"},
		"it is not yet valid":    {func(c *xssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix()) }, nil, "not yet valid"},
		"it is for another host": {func(c *xssh.Certificate) { c.ValidPrincipals = []string{"elsewhere.example"} }, nil, "elsewhere.example"},
		"it is for a user":       {func(c *xssh.Certificate) { c.CertType = xssh.UserCert }, nil, "type"},
		"it has expired, and there are wildcards": {func(c *xssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) }, func(port int, _ xssh.PublicKey) []string {
			return []string{authorityLine(fmt.Sprintf("[127.0.0.1]:%d", port), authority), authorityLine("*.example.com", other)}
		}, "expired"},
		"another authority's": {nil, func(port int, _ xssh.PublicKey) []string {
			return []string{authorityLine(fmt.Sprintf("[127.0.0.1]:%d", port), other)}
		}, "authorit"},
		"the authority is revoked": {nil, func(port int, _ xssh.PublicKey) []string {
			return []string{authorityLine(fmt.Sprintf("[127.0.0.1]:%d", port), authority), "@revoked * " + authorizedKey(authority.PublicKey())}
		}, "revoked"},
		"its key is revoked": {nil, func(port int, key xssh.PublicKey) []string {
			return []string{authorityLine(fmt.Sprintf("[127.0.0.1]:%d", port), authority), "@revoked * " + authorizedKey(key)}
		}, "revoked"},
		"the authority is of another port": {nil, func(int, xssh.PublicKey) []string { return []string{authorityLine("127.0.0.1", authority)} }, "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			directives, key := hostFiles(t, "ed25519", authority, c.change)
			server := startSSHD(t, directives...)
			lines := []string{authorityLine(fmt.Sprintf("[127.0.0.1]:%d", server.port), authority)}
			if c.known != nil {
				lines = c.known(server.port, key.PublicKey())
			}
			cfg := server.config(t)
			cfg.KnownHostsFile = knownHostsFile(t, lines...)
			err := runError(t, newClient(t, cfg))
			if !errors.Is(err, ErrHostKey) {
				t.Fatalf("got %v, want ErrHostKey", err)
			}
			wantText(t, err, c.says)
			if strings.Contains(err.Error(), "host_key = \"ssh-ed25519-cert") {
				t.Errorf("a certificate is no key to pin:\n%v", err)
			}
			if n := server.logged("Accepted") + server.logged("Failed"); n != 0 {
				t.Error("it tried to log in")
			}
		})
	}
}

func TestClient_DoesNotKnowAHostThatHasNoCertificate(t *testing.T) {
	_, authority := newKey(t)
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t, authorityLine(fmt.Sprintf("[127.0.0.1]:%d", server.port), authority))
	wantHostKeyError(t, newClient(t, cfg), server, HostKeyUnknown,
		describe(authority.PublicKey()), "certificate authority", cfg.KnownHostsFile+":1")
}
