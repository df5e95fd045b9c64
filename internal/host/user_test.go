package host

import (
	"testing"

	"github.com/hashicorp/go-version"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

func TestUser_IsSetByTheOptionThatQEMUHas(t *testing.T) {
	for text, runWith := range map[string]bool{"7.2.22": false, "9.0.4": false, "9.1.0": true, "10.0": true} {
		h := New(Config{QEMUUser: "qemu"}, nil)
		h.facts.program = program{machineType: "pc-q35-7.2", version: version.Must(version.NewVersion(text))}
		if got, err := h.user(t.Context()); err != nil || got != (qemu.User{Name: "qemu", RunWith: runWith}) {
			t.Errorf("QEMU %s: %+v, %v", text, got, err)
		}
	}
}
