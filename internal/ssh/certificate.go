package ssh

import (
	"bytes"
	"net"
	"slices"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
)

// certificateAlgorithms are asked for where an authority is known for a host.
var certificateAlgorithms = []string{
	xssh.CertAlgoED25519v01,
	xssh.CertAlgoECDSA256v01, xssh.CertAlgoECDSA384v01, xssh.CertAlgoECDSA521v01,
	xssh.CertAlgoRSASHA512v01, xssh.CertAlgoRSASHA256v01,
}

// authorities are the keys that known_hosts trusts to certify those of a host.
func authorities(db *knownhosts.HostKeyDB, address string) []xssh.PublicKey {
	var found []xssh.PublicKey
	for _, key := range db.HostKeys(address) {
		if key.Cert {
			found = append(found, key.PublicKey)
		}
	}
	return found
}

func contains(keys []xssh.PublicKey, key xssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k xssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}

// refuseCertificate is the error of a certificate that is not accepted, because
// of cause. Where known_hosts has lines with wildcards, too, cause is of another
// port: what is wrong with the certificate itself is looked at once more.
func refuseCertificate(address string, certificate *xssh.Certificate, trusted []xssh.PublicKey, cause error) *HostKeyError {
	refusal := &HostKeyError{Reason: HostKeyCertificate, Address: address, Key: certificate, Cause: cause}
	if !contains(trusted, certificate.SignatureKey) {
		refusal.Reason = HostKeyAuthority
		for _, key := range trusted {
			refusal.Known = append(refusal.Known, KnownHostKey{Key: key, Authority: true})
		}
		return refusal
	}
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		err = new(xssh.CertChecker).CheckCert(host, certificate)
	}
	if err != nil {
		refusal.Cause = err
	}
	return refusal
}
