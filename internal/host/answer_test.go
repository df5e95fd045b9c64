package host

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

func twoNICs() *Instance {
	return &Instance{Record: Record{Machine: qemu.Machine{NICs: []qemu.NIC{{Key: "lan", MAC: "52:54:00:00:00:01"}, {Key: "wan", MAC: "52:54:00:00:00:02"}}}}}
}

func TestAddresses_AreThoseOfTheInterfacesThatAreKnown(t *testing.T) {
	const answer = `{"return": [], "id": "query-chardev"}
{"return": [
	{"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [{"ip-address": "127.0.0.1"}]},
	{"name": "ens8", "hardware-address": "52:54:00:00:00:01", "ip-addresses": [
		{"ip-address": "fe80::1"}, {"ip-address": "2001:db8::2"}, {"ip-address": "10.0.0.20"}, {"ip-address": "10.0.0.3"}, {"ip-address": "10.0.0.3"},
		{"ip-address": "not one"}, {"ip-address": "fe80::2%eth0"}, {"ip-address": "169.254.1.1"}]},
	{"name": "docker0"}]}`
	text := strings.ReplaceAll(answer, "\n\t", "")
	want := map[string][]string{"lan": {"10.0.0.3", "10.0.0.20", "2001:db8::2"}, "wan": {}}
	if diff := cmp.Diff(want, addressesOf(twoNICs(), text)); diff != "" {
		t.Error(diff)
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add(`{"return": [{"hardware-address": "52:54:00:00:00:01", "ip-addresses": [{"ip-address": "10.0.0.3"}]}]}`)
	f.Add(`{"return": {}}`)
	f.Fuzz(func(t *testing.T, said string) {
		for _, of := range addressesOf(twoNICs(), said) {
			if len(of) > mostAddresses {
				t.Errorf("%d addresses; want %d at most", len(of), mostAddresses)
			}
			for _, address := range of {
				if parsed, err := netip.ParseAddr(address); err != nil || parsed.String() != address {
					t.Errorf("%q is no address", address)
				}
			}
		}
	})
}

func ended(status int, out string) string {
	return fmt.Sprintf(`{"return": {"exited": true, "exitcode": %d, "out-data": %q}}`, status, base64.StdEncoding.EncodeToString([]byte(out)))
}

func TestFailedCommand_IsTheOneThatEndedLast(t *testing.T) {
	renewal := &Renewal{Hostname: "web", Commands: []string{"one", "two"}}
	for _, c := range []struct{ name, out, want string }{
		{"none", ended(0, "") + "\n" + ended(0, "") + "\n" + ended(0, "") + "\nawake", ""},
		{"the identity", ended(1, "read-only"), "giving the guest an identity of its own ended with status 1: read-only"},
		{"a command", ended(0, "") + "\n" + ended(0, "fine") + "\n" + ended(7, "not fine\n"), "on_fork[1] in the guest ended with status 7: not fine"},
		{"one that was killed", ended(0, "") + "\n" + `{"return": {"exited": true, "signal": 9}}`, "on_fork[0] in the guest ended with signal 9: "},
		{"nonsense", `{"return": "what"}`, "what the guest agent said of a command cannot be understood"},
	} {
		got := ""
		if err := failedCommand(c.out, renewal); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

func FuzzFailedCommand(f *testing.F) {
	f.Add(ended(0, ""))
	f.Add(ended(3, "no") + "\nawake")
	f.Add(strings.Repeat(ended(0, "")+"\n", 5))
	f.Fuzz(func(t *testing.T, out string) {
		_ = failedCommand(out, &Renewal{Hostname: "web", Commands: []string{"one"}})
	})
}
