package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

func TestFail_SaysWhatToDoNext(t *testing.T) {
	c := New(Config{Name: "lab", DataDir: "/data"}, nil).call("start", Instances, "web")
	for name, test := range map[string]struct {
		cause        error
		reason, said string
		remedy       string // "": none is known
	}{
		"a connection that broke": {ssh.ErrLost, "", "", "Apply again"},
		"a name that is taken":    {ErrExists, "", "", "terraform import ADDRESS lab/instances/web."},
		"somebody's lock":         {ErrBusy, "", "", "Wait for the other run to end"},
		"an instance's port":      {ErrPort, "", "", "another host_port"},
		"a stranger's port":       {ErrFailed, "", "Could not set up host forwarding rule", "another host_port"},
		"no access to KVM":        {ErrFailed, "", "Could not access KVM kernel module", "usermod -aG kvm"},
		"a full disk":             {ErrFailed, "", "No space left on device", "Free space in /data"},
		"no data directory":       {ErrUnfit, "there is no data directory", "", "sudo install -d"},
		"something else":          {ErrFailed, "the guest is on fire", "", ""},
	} {
		var failed *Error
		if err := c.fail(test.cause, test.reason, test.said); !errors.As(err, &failed) || !errors.Is(err, test.cause) {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(failed.Remedy, test.remedy) || (failed.Remedy == "") != (test.remedy == "") {
			t.Errorf("%s: %q; want %q", name, failed.Remedy, test.remedy)
		}
	}
}
