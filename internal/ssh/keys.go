package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// defaultIdentities are tried when neither the configuration nor ssh_config
// names a key.
var defaultIdentities = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}

// A keyring holds the keys to offer to one host, and why other keys cannot be.
type keyring struct {
	keys     []*offer
	unusable []string
	agent    net.Conn // nil: none
}

// newKeyring gathers keys. The keyring is to be closed after logging in: keys
// of the agent sign through it.
func newKeyring(cfg Config, identities []string) *keyring {
	k := &keyring{}
	fromAgent, noAgent := k.askAgent()
	switch {
	case cfg.PrivateKey != "":
		k.addPEM([]byte(cfg.PrivateKey), "private_key", nil, fromAgent)
	case cfg.PrivateKeyFile != "":
		k.addFile(expand(cfg.PrivateKeyFile), fromAgent)
	default:
		if noAgent != nil {
			k.unusable = append(k.unusable, fmt.Sprintf("agent: %v", noAgent))
		}
		for _, signer := range fromAgent {
			k.add(signer, "agent")
		}
		if len(identities) == 0 {
			for _, file := range defaultIdentities {
				identities = append(identities, expand(file))
			}
		}
		for _, file := range identities {
			k.addFile(file, fromAgent)
		}
	}
	return k
}

func (k *keyring) close() {
	if k.agent != nil {
		k.agent.Close()
	}
}

// askAgent returns the keys of the agent, or why there are none.
func (k *keyring) askAgent() ([]xssh.Signer, error) {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, errors.New("SSH_AUTH_SOCK is not set")
	}
	conn, err := net.Dial("unix", socket) // #nosec G704 -- the agent of who runs this
	if err != nil {
		return nil, err
	}
	k.agent = conn
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) == 0 {
		err = errors.New("it holds no keys")
	}
	return signers, err
}

func (k *keyring) addFile(file string, fromAgent []xssh.Signer) {
	text, err := os.ReadFile(file) // #nosec G304 -- the user names it
	if err != nil {
		k.unusable = append(k.unusable, err.Error())
		return
	}
	public, _ := os.ReadFile(file + ".pub") // #nosec G304 -- it is beside what the user names; it tells whose an encrypted key of an old format is
	k.addPEM(text, file, public, fromAgent)
}

// addPEM adds a private key. For an encrypted one the agent may stand in.
func (k *keyring) addPEM(text []byte, source string, public []byte, fromAgent []xssh.Signer) {
	signer, err := xssh.ParsePrivateKey(text)
	if err == nil {
		k.add(signer, source)
		return
	}
	var encrypted *xssh.PassphraseMissingError
	if !errors.As(err, &encrypted) {
		k.unusable = append(k.unusable, fmt.Sprintf("%s: %v", source, err))
		return
	}
	key := encrypted.PublicKey
	if key == nil {
		key, _, _, _, _ = xssh.ParseAuthorizedKey(public)
	}
	for _, signer := range fromAgent {
		if key != nil && bytes.Equal(signer.PublicKey().Marshal(), key.Marshal()) {
			k.add(signer, source+" (encrypted, through the agent)")
			return
		}
	}
	k.unusable = append(k.unusable, source+": encrypted, and no agent holds it (ssh-add loads a key into the agent)")
}

// add leaves out a key that is there already.
func (k *keyring) add(signer xssh.Signer, source string) {
	blob := signer.PublicKey().Marshal()
	if slices.ContainsFunc(k.keys, func(o *offer) bool { return bytes.Equal(o.PublicKey().Marshal(), blob) }) {
		return
	}
	// Both parsed keys and keys of an agent can choose the signature's algorithm,
	// without which RSA keys are of no use to a current sshd.
	choosing, ok := signer.(xssh.AlgorithmSigner)
	if !ok {
		k.unusable = append(k.unusable, fmt.Sprintf("%s: %T cannot choose an algorithm", source, signer))
		return
	}
	k.keys = append(k.keys, &offer{AlgorithmSigner: choosing, source: source})
}
