package ssh

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzAnswer has a script print anything, after whatever a login prints: it is
// read to the byte, and never taken for the end or for another status.
func FuzzAnswer(f *testing.F) {
	f.Add("", "", 0)
	f.Add("Welcome\n", "out\n", 1)
	f.Add("motd without an end of line", "no end of line", 2)
	f.Add("0123.1.begin\n", "0123.1.end 0\n", 3)
	f.Add("\x00\xff", "\r\n\x1b]0;title\x07\n\n", 255)
	f.Add(".begin", ".end 0", 48)
	f.Fuzz(func(t *testing.T, noise, printed string, status int) {
		frame := newFrame(rand.Text(), "", Script{}, false) // no output can know the id
		answer := fmt.Sprintf("%s%s\n%s%s %d\nnext\n", noise, frame.begin, printed, frame.end, status)
		r := bufio.NewReader(iotest.HalfReader(strings.NewReader(answer)))
		begun := false
		got := readSection(r, frame, func() { begun = true })
		if got.err != nil || !begun || !got.begun || got.text != printed || got.rest != fmt.Sprintf(" %d", status) {
			t.Errorf("read %+v of %q", got, answer)
		}
		if rest, _ := r.ReadString('\n'); rest != "next\n" {
			t.Errorf("what follows begins with %q", rest)
		}
		for cut := range min(len(answer), 200) {
			section := readSection(bufio.NewReader(strings.NewReader(answer[:cut])), frame, nil)
			if whole := len(answer) - len("next\n"); cut < whole && section.err == nil {
				t.Errorf("of %d bytes of %d the end was read: %+v", cut, whole, section)
			}
		}
	})
}

// FuzzJumps reads routes: whatever is accepted is a list of servers with a name
// and a port, and nothing that could be a command.
func FuzzJumps(f *testing.F) {
	for _, text := range []string{
		"none", "bastion", "user@bastion:22", "a,b", "ssh://user@[::1]:2222", "a@b@c", ",", "@", ":", ":22", "[", "[]", "[]:22",
		"user@:0", "host:65536", "host:-1", "-oProxyCommand=id", "$(id)", "a b", "%h", "\x00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if CheckJumps(text) != nil {
			return
		}
		hops, err := route(Config{Address: "target", ProxyJump: text, SSHConfigFile: "/dev/null"})
		if err != nil {
			t.Fatalf("%q was accepted: %v", text, err)
		}
		for _, hop := range hops {
			if hop.host == "" || hop.port < 1 || hop.port > 65535 {
				t.Errorf("%q leads to %+v", text, hop)
			}
		}
	})
}
