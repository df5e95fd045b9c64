package testhost

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

func (h *Host) hostKeyFile() string    { return filepath.Join(h.dir, "host_ed25519") }
func (h *Host) authorizedKeys() string { return filepath.Join(h.dir, "authorized_keys") }

// makeKeys makes the host's key and the user's, for this host only.
func (h *Host) makeKeys() error {
	hostKey, err := MakeKey(h.hostKeyFile())
	if err != nil {
		return fmt.Errorf("make the host's key: %w", err)
	}
	h.HostKey = hostKey
	userKey, err := MakeKey(h.PrivateKeyFile)
	if err != nil {
		return fmt.Errorf("make the user's key: %w", err)
	}
	if err := os.WriteFile(h.authorizedKeys(), []byte(userKey+"\n"), 0o600); err != nil {
		return fmt.Errorf("authorize the user's key: %w", err)
	}
	return nil
}

// Trust has the host accept the user's key of another one, too.
func (h *Host) Trust(other *Host) error {
	keys, err := os.ReadFile(other.authorizedKeys())
	if err != nil {
		return fmt.Errorf("read the key to trust: %w", err)
	}
	own, err := os.ReadFile(h.authorizedKeys())
	if err != nil {
		return fmt.Errorf("read the keys that are trusted: %w", err)
	}
	return os.WriteFile(h.authorizedKeys(), append(own, keys...), 0o600)
}

// MakeKey writes a new private key to file and returns the public one as it
// stands in authorized_keys.
func MakeKey(file string) (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}
