package acceptance_test

import (
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// TestParent_IsAnInstanceLikeAnyOther: whatever is done to what running forks
// were made from is done, and changes none of them; and what another tool has
// written into its metadata is nobody's business.
func TestParent_IsAnInstanceLikeAnyOther(t *testing.T) {
	t.Parallel()
	parent := func(state string) string {
		return fork("parent", `state = "`+state+`"`) + `
			resource "kvm_snapshot" "parent" {
				name     = "parent-snapshot"
				instance = kvm_instance.parent.id
			}
		`
	}
	ofSnapshot, ofInstance := forkOf("parent-a", "default/snapshots/parent-snapshot", "depends_on = [kvm_snapshot.parent]"), forkOf("parent-b", "default/instances/parent", "depends_on = [kvm_snapshot.parent]")
	w := newWorkspace(t, parent("running")+ofSnapshot+ofInstance)
	w.want(0, "apply", "-auto-approve")
	ctx := t.Context()
	pids := map[string]int{}
	for _, name := range []string{"parent-a", "parent-b"} {
		must(t, shared.in(name, "echo "+name+" > /tmp/memory", "")(ctx))
		pid, err := shared.pid(name)
		must(t, err)
		pids[name] = pid
	}
	goOn := func(after string, names ...string) {
		t.Helper()
		for _, name := range names {
			if pid, err := shared.pid(name); err != nil || pid != pids[name] {
				t.Errorf("after %s: the process of %s is %d, %v; want %d", after, name, pid, err, pids[name])
			}
			if err := shared.in(name, "cat /tmp/memory", name)(ctx); err != nil {
				t.Errorf("after %s: %v", after, err)
			}
		}
	}
	editMetadata(t, "parent", func(record map[string]any) {
		record["is_template"], record["fork_count"] = true, 2
	})
	w.want(0, "plan", "-detailed-exitcode")

	w.write(parent("standby") + ofSnapshot + ofInstance)
	w.want(0, "apply", "-auto-approve", "-replace=kvm_snapshot.parent")
	w.want(0, "plan", "-detailed-exitcode")
	must(t, shared.isIn("parent", lifecycle.Standby)(ctx))
	goOn("standby and a new snapshot", "parent-a", "parent-b")

	before := hashes(t, "parent/") + hashes(t, "parent-snapshot")
	w.write(parent("standby") + ofSnapshot)
	w.want(0, "apply", "-auto-approve")
	if after := hashes(t, "parent/") + hashes(t, "parent-snapshot"); after != before || before == "" {
		t.Errorf("after a fork was deleted its parent, which was\n%sis\n%s", before, after)
	}

	w.write(parent("running") + ofSnapshot)
	w.want(0, "apply", "-auto-approve")
	must(t, shared.hasToken("parent", &shared.token)(ctx))
	goOn("restore", "parent-a")
	shared.kill(t, "parent")
	w.want(0, "apply", "-auto-approve")
	must(t, shared.hasNewToken("parent", new(shared.token))(ctx))
	goOn("start", "parent-a")
	if record := metadataOf(t, "parent"); record["is_template"] != true || record["fork_count"] != 2.0 {
		t.Errorf("what another tool had written is gone: %v", record)
	}
	if record := metadataOf(t, "parent-a"); record["is_template"] != nil {
		t.Errorf("the fork has taken it over: %v", record)
	}

	w.write(forkOf("parent-a", "default/snapshots/parent-snapshot"))
	w.want(0, "apply", "-auto-approve")
	must(t, shared.holds("parent", "instances/parent-a")(ctx))
	goOn("deletion", "parent-a")
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "parent")()
}
