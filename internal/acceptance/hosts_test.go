package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestHost_ThatCannotBeReachedKeepsItsStateAndTheOthersWork has two hosts, of
// which one is down, refuses the key, or has another host key.
func TestHost_ThatCannotBeReachedKeepsItsStateAndTheOthersWork(t *testing.T) {
	t.Parallel()
	up, down := newLab(t, testhost.Options{}), newLab(t, testhost.Options{})
	_, strangerKey := makeKey(t)
	config := func(hostKey, label string) string {
		entry := func(l *lab, hostKey string) string {
			return fmt.Sprintf("{ address = %q, port = %d, user = %q, private_key_file = %q, host_key = %q, data_dir = %q, accelerator = \"tcg\" }",
				l.Address, l.Port, l.User, l.PrivateKeyFile, hostKey, l.DataDir)
		}
		objects := ""
		for _, name := range []string{"up", "down"} {
			objects += fmt.Sprintf(`
				resource "kvm_image" %[1]q {
					name   = "disk"
					host   = %[1]q
					source = %[2]q
				}
				resource "kvm_instance" %[1]q {
					name   = "kept"
					image  = kvm_image.%[1]s.id
					state  = "stopped"
					labels = { role = %[3]q }
				}
				`, name, up.guest.Disk, label)
		}
		return fmt.Sprintf("provider \"kvm\" {\n  hosts = {\n    up = %s\n    down = %s\n  }\n  default_host = \"up\"\n}\n", entry(up, up.HostKey), entry(down, hostKey)) + objects
	}
	w := newWorkspace(t, config(down.HostKey, "web"))
	w.want(0, "apply", "-auto-approve")
	known := w.want(0, "state", "list")

	keys := filepath.Join(filepath.Dir(down.PrivateKeyFile), "authorized_keys")
	authorized, err := os.ReadFile(keys)
	must(t, err)
	for _, c := range []struct {
		name      string
		hostKey   string
		fail, end func()
		says      []string
	}{
		{"down", down.HostKey, down.StopSSHD, func() { must(t, down.StartSSHD(t.Context())) }, []string{"host is unreachable", "Host: down", "Check address and port"}},
		{
			"the key refused", down.HostKey, func() { must(t, os.WriteFile(keys, nil, 0o600)) }, func() { must(t, os.WriteFile(keys, authorized, 0o600)) },
			[]string{"authentication failed", "Host: down", "authorized_keys"},
		},
		{"its key changed", strangerKey, func() {}, func() {}, []string{"host key is not accepted", "Host: down"}},
	} {
		c.fail()
		w.write(config(c.hostKey, "db"))
		for _, command := range [][]string{{"plan", "-detailed-exitcode"}, {"apply", "-auto-approve"}} {
			out := w.want(1, command...)
			tells(t, out, append([]string{"Error: Unable to read"}, c.says...)...)
			if strings.Contains(out, "will be created") {
				t.Errorf("%s: what cannot be seen is taken for deleted:\n%s", c.name, out)
			}
		}
		if now := w.want(0, "state", "list"); now != known {
			t.Errorf("%s: the state has\n%sand had\n%s", c.name, now, known)
		}
		if c.name == "down" {
			tells(t, w.want(2, "plan", "-detailed-exitcode", "-target=kvm_instance.up"), "0 to add, 1 to change, 0 to destroy")
			plan := w.want(2, "plan", "-detailed-exitcode", "-refresh=false")
			tells(t, planOf(plan, "up"), `"role" = "web" -> "db"`)
			tells(t, plan, "0 to add, 2 to change, 0 to destroy")
			tells(t, w.want(0, "apply", "-auto-approve", "-target=kvm_instance.up"), "1 changed")
			tells(t, w.want(1, "apply", "-auto-approve", "-refresh=false"), "Unable to read host down", "host is unreachable")
		}
		c.end()
	}
	w.write(config(down.HostKey, "web"))
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
}
