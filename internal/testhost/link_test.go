package testhost

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestLink_DelaysLosesAndReconnects(t *testing.T) {
	const rtt = 60 * time.Millisecond
	link := NewLink(t, LinkOptions{RTT: rtt})
	h := New(t, Options{Link: link})
	begun := time.Now()
	conn, err := net.Dial("tcp", net.JoinHostPort(h.Address, strconv.Itoa(h.Port)))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if took := time.Since(begun); took < rtt || took > 10*rtt {
		t.Errorf("to connect took %s over a link of %s", took, rtt)
	}

	client := mustDial(t, h, h.PrivateKeyFile)
	// A session, a command, and the farewell to the session; the time that the
	// command takes does not count. On a busy machine what belongs together may be
	// sent a round trip apart: the least of some is how many it takes.
	trips := 99
	for range 5 {
		trips = min(trips, link.Trips(func() { mustRunOver(t, client, "sleep 0.3") }))
	}
	if trips != 3 {
		t.Errorf("a command took %d round trips, want 3", trips)
	}
	go link.DownFor(t.Context(), 500*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	begun = time.Now()
	if mustRunOver(t, client, "echo back"); time.Since(begun) < 400*time.Millisecond {
		t.Error("something passed while the link was down")
	}
}

func TestHost_HasFilesOfItsOwn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this needs root, to mount files over files")
	}
	file := t.TempDir() + "/issue"
	if err := os.WriteFile(file, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := New(t, Options{Mounts: map[string]string{"/etc/issue": file}})
	if out := mustRunOver(t, mustDial(t, h, h.PrivateKeyFile), "cat /etc/issue"); out != "mine\n" {
		t.Errorf("the host has %q", out)
	}
	if out, err := exec.Command("cat", "/etc/issue").Output(); err != nil || strings.Contains(string(out), "mine") {
		t.Errorf("this machine has %q, %v", out, err)
	}
}

func TestLink_LeavesNothing(t *testing.T) {
	var link *Link
	there := func() bool {
		addresses, err := net.InterfaceAddrs()
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(addresses, func(a net.Addr) bool { return strings.HasPrefix(a.String(), link.clientAddress+"/") })
	}
	if t.Run("a link", func(t *testing.T) {
		if link = NewLink(t, LinkOptions{}); !there() {
			t.Error("there is no device")
		}
	}); link == nil {
		t.Skip("without a link there is nothing to see")
	}
	if there() {
		t.Error("its device is left")
	}
}
