package acceptance_test

import (
	"os"
	"strings"
	"testing"
)

// TestApply_WarnsOnceThatGuestsRunAsRoot: of every apply that starts some, and of
// none that does not.
func TestApply_WarnsOnceThatGuestsRunAsRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the login is not root")
	}
	t.Parallel()
	w := newWorkspace(t, shared.provider(nil)+fork("rooted-a")+fork("rooted-b"))
	const warning = "Guests run as root on host default"
	for _, step := range []struct {
		does    string
		config  string
		command []string
		warns   int
	}{
		{"plans two guests", fork("rooted-a") + fork("rooted-b"), []string{"plan"}, 0},
		{"starts two", fork("rooted-a") + fork("rooted-b"), []string{"apply", "-auto-approve"}, 1},
		{"starts none", fork("rooted-a") + fork("rooted-b"), []string{"apply", "-auto-approve"}, 0},
		{"changes one in place", fork("rooted-a", `labels = { a = "b" }`) + fork("rooted-b"), []string{"apply", "-auto-approve"}, 0},
		{"stops one", fork("rooted-a", `labels = { a = "b" }`, `state = "standby"`) + fork("rooted-b"), []string{"apply", "-auto-approve"}, 0},
		{"starts one anew", fork("rooted-a", `labels = { a = "b" }`) + fork("rooted-b"), []string{"apply", "-auto-approve"}, 1},
	} {
		w.write(shared.provider(nil) + step.config)
		if out := w.want(0, step.command...); strings.Count(out, warning) != step.warns {
			t.Errorf("what %s warns %d times; want %d:\n%s", step.does, strings.Count(out, warning), step.warns, out)
		}
	}
	w.write(shared.provider(map[string]string{"qemu_user": quote("nobody")}) + fork("rooted-a", `labels = { a = "b" }`) + fork("rooted-b") + fork("rooted-c"))
	if out := w.want(0, "apply", "-auto-approve"); strings.Contains(out, warning) {
		t.Errorf("with qemu_user it warns all the same:\n%s", out)
	}
}
