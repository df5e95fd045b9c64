package ssh

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Config says how to reach a host. What it leaves out is taken from the
// user's ssh_config, of which HostName, Port, User, IdentityFile and ProxyJump
// are obeyed, and then from the defaults of OpenSSH. File names may begin with
// "~/".
type Config struct {
	Address string // name, IP address, or alias in ssh_config
	Port    int    // 0: of ssh_config, else 22
	User    string // "": of ssh_config, else the current user

	// A private key given here, as PEM text or as a file, is the only one that
	// is offered. Without one, the keys of the agent at SSH_AUTH_SOCK are, then
	// the files that ssh_config names, or else ~/.ssh/id_ed25519, id_ecdsa and
	// id_rsa.
	PrivateKey     string // secret
	PrivateKeyFile string

	// HostKey pins the key of the host, as in "ssh-ed25519 AAAA…". Without it,
	// and for the hosts of ProxyJump always, known_hosts decides.
	HostKey        string
	KnownHostsFile string // "": ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts

	ProxyJump     string // "user@bastion:22", several separated by commas; "none" for none
	SSHConfigFile string // "": ~/.ssh/config

	// KeepAlive is how often the host is asked for a sign of life; 0: every 15 s.
	// When none comes for three times as long the connection counts as lost.
	KeepAlive time.Duration

	// Prelude is POSIX sh text that every shell runs before its first script:
	// the functions that scripts have in common. What it prints is discarded.
	Prelude string
}

// expand resolves "~/".
func expand(file string) string {
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		return filepath.Join(home(), rest)
	}
	return file
}

// home is "" when there is none; what is looked for there is then not found.
func home() string {
	dir, _ := os.UserHomeDir()
	return dir
}
