package provider

import (
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestEnvironment_DefinesTheHostDefault(t *testing.T) {
	entries, err := fromEnvironment(env(map[string]string{
		"KVM_HOST_ADDRESS": "kvm1", "KVM_HOST_PORT": "2222", "KVM_HOST_USER": "kvm",
		"KVM_HOST_PRIVATE_KEY_FILE": "/key", "KVM_HOST_KEY": "ssh-ed25519 AAAA",
		"KVM_HOST_DATA_DIR": "/srv/vms", "KVM_HOST_ACCELERATOR": "tcg", "KVM_HOST_QEMU_BINARY": "/opt/qemu", "KVM_HOST_QEMU_USER": "qemu",
	}))
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	entry := entries["default"]
	if want := (host.Config{Name: "default", DataDir: "/srv/vms", Accelerator: "tcg", QEMUBinary: "/opt/qemu", QEMUUser: "qemu"}); entry.Host != want {
		t.Errorf("host: %+v; want %+v", entry.Host, want)
	}
	ssh := entry.SSH
	if ssh.Address != "kvm1" || ssh.Port != 2222 || ssh.User != "kvm" || ssh.PrivateKeyFile != "/key" || ssh.HostKey != "ssh-ed25519 AAAA" || ssh.Prelude != host.Prelude {
		t.Errorf("ssh: %+v", ssh)
	}
}

func TestEnvironment_HasDefaults(t *testing.T) {
	entries, err := fromEnvironment(env(map[string]string{"KVM_HOST_ADDRESS": "kvm1"}))
	want := host.Config{Name: "default", DataDir: "/var/lib/terraform-kvm", Accelerator: "kvm", QEMUBinary: "qemu-system-x86_64"}
	if got := entries["default"].Host; err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestEnvironment_RefusesWhatCannotBe(t *testing.T) {
	for name, value := range map[string]string{
		"KVM_HOST_ADDRESS": "", "KVM_HOST_PORT": "0", "KVM_HOST_DATA_DIR": "vms", "KVM_HOST_ACCELERATOR": "xen", "KVM_HOST_QEMU_USER": "a,b",
	} {
		values := map[string]string{"KVM_HOST_ADDRESS": "kvm1"}
		values[name] = value
		if _, err := fromEnvironment(env(values)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%q: %v; want an error that names it", name, value, err)
		}
	}
}
