package ssh

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
)

// A server is a real sshd on the loopback interface, to which the current user
// can log in with userKey.
type server struct {
	port    int
	hostKey xssh.Signer
	userKey string // PEM
	logFile string
	stop    func()
}

// startSSHD starts an sshd with further directives for its configuration. The
// home directory and the agent of whoever runs the tests are out of sight.
func startSSHD(t *testing.T, directives ...string) *server {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	return restartSSHD(t, newServer(t), directives...)
}

func newServer(t *testing.T) *server {
	t.Helper()
	return &server{port: freePort(t)}
}

// restartSSHD starts the same server again, with the same port and new keys.
func restartSSHD(t *testing.T, s *server, directives ...string) *server {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("no sshd: ", err)
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // for privilege separation
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	hostPEM, hostKey := newKey(t)
	userPEM, userKey := newKey(t)
	s.hostKey, s.userKey, s.logFile = hostKey, userPEM, filepath.Join(dir, "log")
	writeFile(t, filepath.Join(dir, "host"), hostPEM)
	writeFile(t, filepath.Join(dir, "authorized"), authorizedKey(userKey.PublicKey())+"\n")
	config := filepath.Join(dir, "config")
	// sshd takes the first value of a directive, but the last one of this.
	if !slices.ContainsFunc(directives, func(d string) bool { return strings.HasPrefix(d, "MaxStartups") }) {
		directives = append(directives, "MaxStartups 100")
	}
	writeFile(t, config, strings.Join(append(directives,
		fmt.Sprintf("ListenAddress 127.0.0.1:%d", s.port),
		"HostKey "+filepath.Join(dir, "host"),
		"AuthorizedKeysFile "+filepath.Join(dir, "authorized"),
		"SetEnv HOME="+dir, // not to run the rc files of whoever runs the tests
		"PidFile none", "StrictModes no", "UsePAM no", "LogLevel VERBOSE",
		"PermitRootLogin prohibit-password", "KbdInteractiveAuthentication no",
	), "\n")+"\n")

	cmd := exec.Command(sshd, "-D", "-E", s.logFile, "-f", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // a connection ends with its client
		_ = cmd.Wait()
	})
	t.Cleanup(s.stop)
	eventually(t, "sshd listens", func() bool { return s.logged("Server listening") > 0 })
	return s
}

// config is that of a client which knows the server and is known to it.
func (s *server) config(t *testing.T) Config {
	t.Helper()
	return Config{
		Address: "127.0.0.1", Port: s.port, User: currentUser(t), PrivateKey: s.userKey,
		KnownHostsFile: knownHostsFile(t, s.line()), SSHConfigFile: os.DevNull,
	}
}

// line is that of the server in known_hosts.
func (s *server) line() string {
	return knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", s.port)}, s.hostKey.PublicKey())
}

func (s *server) logged(text string) int {
	log, _ := os.ReadFile(s.logFile)
	return strings.Count(string(log), text)
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	client := New(cfg)
	t.Cleanup(func() { client.Close() })
	return client
}

func mustRun(t *testing.T, client *Client, text string, args ...string) Result {
	t.Helper()
	result, err := client.Run(t.Context(), Script{Name: "test", Text: text, Args: args})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return result
}

func runError(t *testing.T, client *Client) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	result, err := client.Run(ctx, Script{Name: "test", Text: "echo ran"})
	if err == nil {
		t.Fatalf("ran: %s", brief(result))
	}
	return err
}

func newKey(t *testing.T) (pemText string, signer xssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return marshalKey(t, key, "")
}

func marshalKey(t *testing.T, key crypto.PrivateKey, passphrase string) (pemText string, signer xssh.Signer) {
	t.Helper()
	block, err := xssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = xssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err = xssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), signer
}

func knownHostsFile(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, file, strings.Join(lines, "\n")+"\n")
	return file
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func currentUser(t *testing.T) string {
	t.Helper()
	current, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return current.Username
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func eventually(t *testing.T, claim string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 5 s: ", claim)
		}
	}
}
