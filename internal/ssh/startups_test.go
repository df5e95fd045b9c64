package ssh

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// crowd opens connections that do not log in, as many as sshd bears.
func crowd(t *testing.T, server *server, n int) (disperse func()) {
	t.Helper()
	var conns []net.Conn
	disperse = func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
	t.Cleanup(disperse)
	for range n {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.port))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	eventually(t, "sshd has accepted them", func() bool { return server.logged("Connection from") == n })
	return disperse
}

func TestClient_WaitsForItsTurnToLogIn(t *testing.T) {
	server := startSSHD(t, "MaxStartups 2")
	disperse := crowd(t, server, 2)
	time.AfterFunc(700*time.Millisecond, disperse) // between its second try and its third
	mustRun(t, newClient(t, server.config(t)), "true")
}

func TestClient_SaysThatTooManyAreLoggingIn(t *testing.T) {
	hurry(t)
	server := startSSHD(t, "MaxStartups 2")
	crowd(t, server, 2)
	err := runError(t, newClient(t, server.config(t)))
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
	wantText(t, err, "MaxStartups")
}

func TestClients_ThatAreTooManyAtOnceAllLogIn(t *testing.T) {
	server := startSSHD(t, "MaxStartups 2")
	cfg := server.config(t)
	var group sync.WaitGroup
	for range 4 {
		client := newClient(t, cfg)
		group.Go(func() {
			if _, err := client.Run(t.Context(), Script{Text: "true"}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
