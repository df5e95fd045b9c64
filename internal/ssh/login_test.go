package ssh

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
}

func wantHostKeyError(t *testing.T, client *Client, server *server, reason HostKeyReason, parts ...string) {
	t.Helper()
	err := runError(t, client)
	var refusal *HostKeyError
	if !errors.Is(err, ErrHostKey) || !errors.As(err, &refusal) || refusal.Reason != reason {
		t.Fatalf("got %v", err)
	}
	wantText(t, err, append(parts, describe(server.hostKey.PublicKey()), fmt.Sprintf("127.0.0.1:%d", server.port))...)
	if n := server.logged("Connection from"); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	if n := server.logged("Accepted") + server.logged("Failed"); n != 0 {
		t.Error("it tried to log in")
	}
}

func TestClient_RefusesAnUnknownHostKey(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t)
	wantHostKeyError(t, newClient(t, cfg), server, HostKeyUnknown,
		server.line(), fmt.Sprintf("host_key = %q", authorizedKey(server.hostKey.PublicKey())))
}

func TestClient_RefusesAChangedHostKey(t *testing.T) {
	server := startSSHD(t)
	_, other := newKey(t)
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t, "# a comment", knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", server.port)}, other.PublicKey()))
	wantHostKeyError(t, newClient(t, cfg), server, HostKeyChanged,
		"attack", cfg.KnownHostsFile+":2", describe(other.PublicKey()), server.line())
}

func TestClient_RefusesAHostKeyOfAnotherType(t *testing.T) {
	server := startSSHD(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, other := marshalKey(t, key, "")
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t, knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", server.port)}, other.PublicKey()))
	wantHostKeyError(t, newClient(t, cfg), server, HostKeyChanged, "attack", describe(other.PublicKey()))
}

func TestClient_RefusesARevokedHostKey(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t, server.line(), "@revoked * "+authorizedKey(server.hostKey.PublicKey()))
	wantHostKeyError(t, newClient(t, cfg), server, HostKeyRevoked, "revoked", cfg.KnownHostsFile+":2")
}

func TestClient_RefusesAHostKeyThatIsNotThePinnedOne(t *testing.T) {
	server := startSSHD(t)
	_, other := newKey(t)
	cfg := server.config(t)
	cfg.HostKey = authorizedKey(other.PublicKey()) // known_hosts would accept the host
	wantHostKeyError(t, newClient(t, cfg), server, HostKeyChanged, "attack", "pinned", describe(other.PublicKey()))
}

func TestClient_AcceptsAPinnedHostKey(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t)
	cfg.HostKey = authorizedKey(server.hostKey.PublicKey()) + " a comment"
	mustRun(t, newClient(t, cfg), "true")
}

func TestClient_AcceptsAHashedHostName(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	name := xknownhosts.HashHostname(fmt.Sprintf("[127.0.0.1]:%d", server.port))
	cfg.KnownHostsFile = knownHostsFile(t, name+" "+authorizedKey(server.hostKey.PublicKey()))
	mustRun(t, newClient(t, cfg), "true")
}

func TestClient_AsksForTheKeyThatIsKnown(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pemText, rsaKey := marshalKey(t, key, "")
	file := filepath.Join(t.TempDir(), "rsa")
	writeFile(t, file, pemText)
	server := startSSHD(t, "HostKey "+file) // and the ed25519 key of every server
	cfg := server.config(t)
	cfg.KnownHostsFile = knownHostsFile(t, knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", server.port)}, rsaKey.PublicKey()))
	mustRun(t, newClient(t, cfg), "true")
}

func TestClient_SaysWhichKeysWereRefused(t *testing.T) {
	server := startSSHD(t)
	pemText, other := newKey(t)
	cfg := server.config(t)
	cfg.PrivateKey = pemText
	err := runError(t, newClient(t, cfg))
	if !errors.Is(err, ErrAuthentication) {
		t.Fatal(err)
	}
	wantText(t, err, describe(other.PublicKey()), "private_key", "refused by the host", "publickey", cfg.User)
	if strings.Contains(err.Error(), "PRIVATE KEY") {
		t.Error("the error shows the key")
	}
	if n := server.logged("Connection from"); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestClient_SaysWhyKeysAreOfNoUse(t *testing.T) {
	cfg := startSSHD(t).config(t)
	cfg.PrivateKey = ""
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	encrypted, _ := marshalKey(t, key, "secret")
	writeFile(t, filepath.Join(home(), ".ssh/id_ed25519"), encrypted)
	writeFile(t, filepath.Join(home(), ".ssh/id_rsa"), "not a key")
	err := runError(t, newClient(t, cfg))
	if !errors.Is(err, ErrAuthentication) {
		t.Fatal(err)
	}
	wantText(t, err, "SSH_AUTH_SOCK is not set", "id_ed25519: encrypted", "ssh-add",
		"id_ecdsa: no such file", "id_rsa: ssh: no key found")
}

func TestClient_FindsDefaultIdentities(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.PrivateKey = ""
	writeFile(t, filepath.Join(home(), ".ssh/id_ed25519"), server.userKey)
	mustRun(t, newClient(t, cfg), "true")
}

func TestClient_ReadsAPrivateKeyFile(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.PrivateKey, cfg.PrivateKeyFile = "", "~/key"
	writeFile(t, filepath.Join(home(), "key"), server.userKey)
	mustRun(t, newClient(t, cfg), "true")
}

func TestClient_UsesTheAgent(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	cfg.PrivateKey = ""
	key, err := xssh.ParseRawPrivateKey([]byte(server.userKey))
	if err != nil {
		t.Fatal(err)
	}
	startAgent(t, key)
	mustRun(t, newClient(t, cfg), "true")

	// The agent stands in for an encrypted file, too.
	encrypted, _ := marshalKey(t, *key.(*ed25519.PrivateKey), "secret")
	cfg.PrivateKeyFile = "~/key"
	writeFile(t, filepath.Join(home(), "key"), encrypted)
	mustRun(t, newClient(t, cfg), "true")
}

func TestClient_OffersNothingBesidesAnExplicitKey(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	key, err := xssh.ParseRawPrivateKey([]byte(server.userKey))
	if err != nil {
		t.Fatal(err)
	}
	startAgent(t, key)
	cfg.PrivateKey, _ = newKey(t)
	if err := runError(t, newClient(t, cfg)); !errors.Is(err, ErrAuthentication) {
		t.Error(err)
	}
}

func startAgent(t *testing.T, key any) {
	t.Helper()
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, conn) }()
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", socket)
}

func TestClient_SaysWhatALoginThatIsNoShellPrinted(t *testing.T) {
	client := newClient(t, startSSHD(t, "ForceCommand echo Only for tunnels.; echo Sorry. >&2; exit 1").config(t))
	err := runError(t, client)
	var noShell *NoShellError
	if !errors.Is(err, ErrNoShell) || !errors.As(err, &noShell) || errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	if noShell.Printed != "Only for tunnels.\nSorry.\n" {
		t.Errorf("printed %q", noShell.Printed)
	}
	if _, err := client.Stream(t.Context(), Script{Text: "cat"}, strings.NewReader("x")); !errors.Is(err, ErrNoShell) {
		t.Errorf("stream: %v", err)
	}
}

func TestClient_IgnoresWhatALoginPrintsFirst(t *testing.T) {
	client := newClient(t, startSSHD(t, `ForceCommand echo welcome; printf more; echo oops >&2; eval "$SSH_ORIGINAL_COMMAND"`).config(t))
	if got := mustRun(t, client, "printf a"); got != (Result{Stdout: "a"}) {
		t.Error(brief(got))
	}
	if got := mustStream(t, client, "cat", "b"); got != (Result{Stdout: "b"}) {
		t.Error(brief(got))
	}
}

func TestClient_GoesThroughJumps(t *testing.T) {
	bastion := startSSHD(t)
	inner := restartSSHD(t, newServer(t))
	cfg := inner.config(t)
	cfg.PrivateKey = ""
	cfg.KnownHostsFile = knownHostsFile(t, bastion.line(), inner.line())
	writeFile(t, filepath.Join(home(), ".ssh/id_ed25519"), bastion.userKey)
	writeFile(t, filepath.Join(home(), ".ssh/id_ecdsa"), inner.userKey)
	jump := fmt.Sprintf("%s@127.0.0.1:%d", cfg.User, bastion.port)
	for _, cfg.ProxyJump = range []string{jump, jump + "," + jump} {
		client := newClient(t, cfg)
		mustRun(t, client, "true")
		link := client.current.link
		client.Close()
		<-link.dead
	}

	cfg.KnownHostsFile = knownHostsFile(t, inner.line())
	err := runError(t, newClient(t, cfg))
	if !errors.Is(err, ErrHostKey) {
		t.Fatalf("an unknown bastion: %v", err)
	}
	wantText(t, err, bastion.line())
}

func TestClient_ConnectsAgainWhenItsJumpHasDied(t *testing.T) {
	bastion := startSSHD(t)
	proxy := startProxy(t, bastion.port)
	inner := restartSSHD(t, newServer(t))
	cfg := inner.config(t)
	cfg.PrivateKey = ""
	cfg.KnownHostsFile = knownHostsFile(t, inner.line(),
		knownhosts.Line([]string{fmt.Sprintf("127.0.0.1:%d", proxy.port)}, bastion.hostKey.PublicKey()))
	writeFile(t, filepath.Join(home(), ".ssh/id_ed25519"), bastion.userKey)
	writeFile(t, filepath.Join(home(), ".ssh/id_ecdsa"), inner.userKey)
	cfg.ProxyJump = fmt.Sprintf("127.0.0.1:%d", proxy.port)
	client := newClient(t, cfg)
	mustRun(t, client, "true")
	link := client.current.link
	proxy.cut()
	<-link.dead
	mustRun(t, client, "true")
}

func TestDialTCP_ReachesWhatTheHostReaches(t *testing.T) {
	client := newClient(t, startSSHD(t).config(t))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	conn, err := client.DialTCP(t.Context(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text, err := io.ReadAll(conn); err != nil || string(text) != "hello" {
		t.Errorf("read %q, %v", text, err)
	}
}

func TestDialTCP_TellsAForbiddenPortFromAClosedOne(t *testing.T) {
	closed := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	_, err := newClient(t, startSSHD(t).config(t)).DialTCP(t.Context(), closed)
	if err == nil || errors.Is(err, ErrForwarding) || errors.Is(err, ErrUnreachable) {
		t.Errorf("a closed port: %v", err)
	}
	client := newClient(t, startSSHD(t, "AllowTcpForwarding no").config(t))
	if _, err := client.DialTCP(t.Context(), closed); !errors.Is(err, ErrForwarding) {
		t.Errorf("a forbidden port: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.DialTCP(ctx, closed); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
}

func TestClient_ObeysSSHConfig(t *testing.T) {
	server := startSSHD(t)
	cfg := server.config(t)
	writeFile(t, filepath.Join(home(), "identity"), server.userKey)
	writeFile(t, filepath.Join(home(), "ssh_config"), fmt.Sprintf(
		"Host lab\n  HostName 127.0.0.1\n  Port %d\n  User %s\n  IdentityFile %%d/identity\n", server.port, cfg.User))
	client := newClient(t, Config{Address: "lab", KnownHostsFile: cfg.KnownHostsFile, SSHConfigFile: "~/ssh_config"})
	mustRun(t, client, "true")
	if _, err := os.Stat(filepath.Join(home(), ".ssh")); err == nil {
		t.Error("something was written")
	}
}
