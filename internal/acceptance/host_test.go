package acceptance_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"golang.org/x/crypto/ssh"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// stopped is an instance that needs no boot.
func stopped(name string) string {
	return `resource "kvm_instance" "` + name + `" {
		name  = "` + name + `"
		image = "default/images/disk"
		state = "stopped"
	}
	`
}

// TestHost_ThatIsWrongInTheConfigurationIsNamed has one case for each way to be
// so, and in the end the same resource on a host that is right.
func TestHost_ThatIsWrongInTheConfigurationIsNamed(t *testing.T) {
	t.Parallel()
	strangerFile, stranger := makeKey(t)
	port := unusedPort(t)
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	old := filepath.Join(t.TempDir(), "qemu-old")
	must(t, os.WriteFile(old, []byte("#!/bin/sh\necho QEMU emulator version 5.2.0\n"), 0o700))
	config := stopped("wrong")
	with := func(argument, value string) string {
		return shared.provider(map[string]string{argument: value}) + config
	}
	const failed = "Unable to"
	var steps []tf.TestStep
	for _, c := range []struct {
		config     string
		diagnostic []string
	}{
		{strings.NewReplacer("state", `host = "nowhere"`+"\nstate", "default/", "nowhere/").Replace(config), []string{"Unknown host", `Host "nowhere" is not configured: the provider knows "default"`}},
		{with("host_key", quote(stranger)), []string{failed, "host key is not accepted", "Compare the fingerprint", "host_key = " + strconv.Quote(shared.HostKey), "Host: default"}},
		{with("private_key_file", quote(strangerFile)), []string{failed, "authentication failed", "user " + shared.User, strangerFile, "Host: default", "authorized_keys"}},
		{with("port", strconv.Itoa(port)), []string{failed, "host is unreachable: 127.0.0.1:" + strconv.Itoa(port), "connection refused", "Host: default", "Check address and port"}},
		{with("qemu_binary", `"qemu-missing"`), []string{failed, "host is not fit", "qemu-missing is missing", "apt-get install qemu-system-x86", "Host: default"}},
		{with("qemu_binary", quote(old)), []string{failed, "host is not fit", old + " is of version 5.2.0", "6.0.0 or later is needed", "Host: default"}},
		{with("data_dir", quote("/nonexistent/vms")), []string{failed, "the data directory /nonexistent/vms is not there", "Host: default", "sudo install -d -m 0700", "/nonexistent/vms"}},
		{with("data_dir", quote(file)), []string{failed, "the data directory", "may not be entered by " + shared.User, "Host: default", "sudo install -d -m 0700"}},
		// Nobody may make directories there, whoever runs the test.
		{with("data_dir", `"/proc"`), []string{failed, "the data directory /proc is not writable by " + shared.User, "Host: default", "sudo install -d -m 0700"}},
	} {
		steps = append(steps, after(shared.nothing(t, "wrong"), refused(c.config, c.diagnostic...)))
	}
	shared.apply(t, "wrong", append(steps, tf.TestStep{
		Config: shared.provider(nil) + config, ConfigStateChecks: checks{shared.isIn("wrong", lifecycle.Stopped)},
	})...)
}

func TestHost_ThatIsUnreachableLosesNoState(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{})
	before := own.provider(nil) + image("kept", own.guest.Disk, "")
	more := before + image("new", own.guest.Disk, "")
	own.apply(t, "",
		tf.TestStep{Config: before},
		after(own.StopSSHD, refused(more, "Unable to", "host is unreachable", "Host: default", "Check address and port")),
		refused(before, "Unable to read", "kvm_image.kept", "host is unreachable", "Host: default"),
		after(func() { must(t, own.StartSSHD(t.Context())) }, tf.TestStep{Config: before, PlanOnly: true}),
		tf.TestStep{Config: more, ConfigPlanChecks: tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction("kvm_image.kept", plancheck.ResourceActionNoop),
			plancheck.ExpectResourceAction("kvm_image.new", plancheck.ResourceActionCreate),
		}}},
	)
}

// TestHost_WithoutForwardingLacksOnlyTheChecksThatNeedIt: the whole life of an
// instance needs none.
func TestHost_WithoutForwardingLacksOnlyTheChecksThatNeedIt(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{SSHDConfig: []string{"AllowTcpForwarding no"}})
	config := func(state, ready string) string {
		return own.provider(nil) + image("vmlinuz", own.guest.Kernel, "") + image("initrd", own.guest.Initrd, "") + `
		resource "kvm_instance" "alone" {
			name       = "alone"
			kernel     = { image = kvm_image.vmlinuz.id, initrd = kvm_image.initrd.id, command_line = "` + testhost.CommandLine + `" }
			memory_mib = 128
			state      = "` + state + `"
			ready      = ` + ready + `
			network_interfaces = { lan = { forward = { http = { guest_port = 80 } } } }
		}`
	}
	http, console := `{ check = "http", port = 80 }`, `{ check = "console", pattern = "testguest ready" }`
	var token string
	own.apply(t, "",
		refused(config("running", http), "Unable to await instance alone", "sshd forbids TCP forwarding", "Host: default",
			"is kept, marked as tainted", "AllowTcpForwarding", `check = "console"`),
		tf.TestStep{
			Config:            config("running", console),
			ConfigPlanChecks:  planned("kvm_instance.alone", plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: checks{own.hasNewToken("alone", &token)},
		},
		tf.TestStep{Config: config("standby", console), ConfigStateChecks: checks{own.isIn("alone", lifecycle.Standby)}},
		tf.TestStep{Config: config("running", console), ConfigStateChecks: checks{own.hasToken("alone", &token)}},
	)
}

// makeKey makes a key that no host knows: a file of the private one, and the
// public one as a host's.
func makeKey(t *testing.T) (file, public string) {
	t.Helper()
	key, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	file = filepath.Join(t.TempDir(), "stranger")
	must(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	known, err := ssh.NewPublicKey(key)
	must(t, err)
	return file, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(known)))
}

func unusedPort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
