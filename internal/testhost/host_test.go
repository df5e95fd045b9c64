package testhost

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestHost_AcceptsItsKeyAndNoOther(t *testing.T) {
	t.Parallel()
	h, other := New(t, Options{}), New(t, Options{})

	if out := mustRunOver(t, mustDial(t, h, h.PrivateKeyFile), "echo hello"); out != "hello\n" {
		t.Errorf("the command printed %q", out)
	}
	if _, err := dial(h, other.PrivateKeyFile); err == nil {
		t.Error("the key of another host was accepted")
	}
	if h.Port == other.Port || h.DataDir == other.DataDir {
		t.Errorf("two hosts share a port or a directory: %+v, %+v", h, other)
	}
}

func TestHost_TakesLinesForItsConfiguration(t *testing.T) {
	t.Parallel()
	h := New(t, Options{SSHDConfig: []string{"ForceCommand echo forced"}, DataDirName: "it's, a dir"})
	if out := mustRunOver(t, mustDial(t, h, h.PrivateKeyFile), "echo asked"); out != "forced\n" {
		t.Errorf("the command printed %q", out)
	}
	if filepath.Base(h.DataDir) != "it's, a dir" {
		t.Errorf("the data directory is %s", h.DataDir)
	}
	if _, err := Start(t.Context(), Options{SSHDConfig: []string{"NoSuchKeyword yes"}}); err == nil || !strings.Contains(err.Error(), "NoSuchKeyword") {
		t.Errorf("a wrong line: %v; want sshd's complaint", err)
	}
}

func TestHost_CanBecomeUnreachableAndComeBack(t *testing.T) {
	t.Parallel()
	h := New(t, Options{})
	client := mustDial(t, h, h.PrivateKeyFile)

	h.StopSSHD()
	if err := client.Wait(); err == nil {
		t.Error("the connection ended in good order; want it broken")
	}
	if _, err := dial(h, h.PrivateKeyFile); err == nil {
		t.Error("the host was reached although its SSH server is stopped")
	}
	if err := h.StartSSHD(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustDial(t, h, h.PrivateKeyFile)
	if log, err := os.ReadFile(h.SSHDLog); err != nil || strings.Count(string(log), "Connection from") != 2 {
		t.Errorf("want two connections in the log, %v:\n%s", err, log)
	}
}

func TestHost_CloseNamesAndRemovesWhatWasLeft(t *testing.T) {
	t.Parallel()
	h, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	port := reservePort(t)
	if err := os.MkdirAll(filepath.Join(h.DataDir, "instances", "forgotten", "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(h.DataDir, "images"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustRunOver(t, mustDial(t, h, h.PrivateKeyFile), fmt.Sprintf(
		"cd %s/instances/forgotten; "+
			"setsid qemu-system-x86_64 -M none -display none -pidfile run/pid -qmp tcp:127.0.0.1:%d,server,wait=off </dev/null >/dev/null 2>&1 & "+
			"while ! test -s run/pid; do sleep 0.1; done", h.DataDir, port))

	err = h.Close()
	if err == nil {
		t.Fatal("Close reported nothing")
	}
	for _, want := range []string{
		"qemu-system-x86_64 -M none",
		fmt.Sprintf("listening on 127.0.0.1:%d", port),
		"instances/forgotten with run/pid",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "images") {
		t.Errorf("an empty directory of the layout was reported: %v", err)
	}
	if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		conn.Close()
		t.Error("the process that was left still listens")
	}
	if _, err := os.Stat(h.dir); !os.IsNotExist(err) {
		t.Errorf("the host's directory is still there: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000000000000000000001000000:0016": "[::1]:22",
		"nonsense":                              "nonsense",
	} {
		if got := parseAddress(text); got != want {
			t.Errorf("parseAddress(%q) = %q, want %q", text, got, want)
		}
	}
}

func dial(h *Host, keyFile string) (*ssh.Client, error) {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, err
	}
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.HostKey))
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", fmt.Sprintf("%s:%d", h.Address, h.Port), &ssh.ClientConfig{
		User:            h.User,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.FixedHostKey(hostKey),
		Timeout:         5 * time.Second,
	})
}

func mustDial(t *testing.T, h *Host, keyFile string) *ssh.Client {
	t.Helper()
	client, err := dial(h, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func mustRunOver(t *testing.T, client *ssh.Client, command string) string {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	defer time.AfterFunc(10*time.Second, func() { client.Close() }).Stop()
	out, err := session.CombinedOutput(command)
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	return string(out)
}
