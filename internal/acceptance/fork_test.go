package acceptance_test

import (
	"context"
	"fmt"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// TestFork_SurvivesDeletionOfItsSource is also the proof that a live snapshot
// loses nothing: the guest's counter and process go on, what it wrote before is
// in the fork, what it wrote after is not.
func TestFork_SurvivesDeletionOfItsSource(t *testing.T) {
	t.Parallel()
	source := fork("life")
	snapshot := `
	resource "kvm_snapshot" "life" {
		name     = "life-snap"
		instance = kvm_instance.life.id
		labels   = { made = "live" }
	}
	`
	child := func(state, more string) string {
		return fmt.Sprintf(`resource "kvm_instance" "child" {
			name    = "life-child"
			fork_of = "default/snapshots/life-snap"
			state   = %q
			%s
		}`, state, more)
	}
	var pid, counter int
	steps := []tf.TestStep{
		{
			Config: source,
			ConfigStateChecks: checks{
				shared.in("life", "echo before > /disk/data && sync", ""),
				check(func(ctx context.Context) (err error) {
					if pid, err = shared.pid("life"); err == nil {
						counter, err = shared.counter(ctx, "life")
					}
					return err
				}),
			},
		},
		{
			Config: source + snapshot,
			ConfigStateChecks: checks{
				has("kvm_snapshot.life", "kind", "standby"),
				statecheck.ExpectKnownValue("kvm_snapshot.life", tfjsonpath.New("memory_mib"), knownvalue.Int64Exact(128)),
				check(func(ctx context.Context) error {
					now, err := shared.counter(ctx, "life")
					if same, _ := shared.pid("life"); err == nil && (now <= counter || same != pid) {
						err = fmt.Errorf("the counter was %d and is %d, the process was %d and is %d", counter, now, pid, same)
					}
					return err
				}),
				shared.in("life", "echo after > /disk/data && sync", ""),
			},
		},
	}
	steps = append(steps, imported("kvm_snapshot.life", "default/snapshots/life-snap")...)
	shared.apply(t, "life", append(steps,
		tf.TestStep{
			Config: source + snapshot + child("running", "depends_on = [kvm_snapshot.life]"),
			ConfigStateChecks: checks{
				shared.hasToken("life-child", &shared.token),
				shared.in("life-child", "cat /disk/data", "before"),
				shared.in("life", "cat /disk/data", "after"),
			},
		},
		tf.TestStep{
			Config:            child("running", ""),
			ConfigStateChecks: checks{shared.holds("life", "instances/life-child"), shared.hasToken("life-child", &shared.token)},
		},
		tf.TestStep{
			Config:            child("stopped", ""),
			ConfigStateChecks: checks{shared.isIn("life-child", lifecycle.Stopped)},
		},
		tf.TestStep{
			Config:            child("running", ""),
			ConfigStateChecks: checks{shared.hasNewToken("life-child", new(shared.token)), shared.in("life-child", "cat /disk/data", "before")},
		},
	)...)
}

func TestSnapshot_OfAnInstanceThatDoesNotRunIsOfItsKind(t *testing.T) {
	t.Parallel()
	instances := fork("still-standby", `state = "standby"`) + fork("still-stopped", `state = "stopped"`)
	snapshots := func(age string) string {
		return fmt.Sprintf(`
			resource "kvm_snapshot" "standby" {
				name     = "still-standby"
				instance = kvm_instance.still-standby.id
				labels   = { age = %q }
			}
			resource "kvm_snapshot" "stopped" {
				name     = "still-stopped"
				instance = kvm_instance.still-stopped.id
			}
			`, age) +
			forkOf("still-of-standby", "default/snapshots/still-standby", "depends_on = [kvm_snapshot.standby]") +
			forkOf("still-of-stopped", "default/snapshots/still-stopped", "depends_on = [kvm_snapshot.stopped]")
	}
	uid := same("kvm_snapshot.standby", "uid")
	shared.apply(t, "still",
		tf.TestStep{
			Config: instances + snapshots("new"),
			ConfigStateChecks: checks{
				has("kvm_snapshot.standby", "kind", "standby"), has("kvm_snapshot.stopped", "kind", "stopped"),
				shared.isIn("still-standby", lifecycle.Standby), shared.isIn("still-stopped", lifecycle.Stopped),
				shared.hasToken("still-of-standby", &shared.token), shared.hasNewToken("still-of-stopped", new(shared.token)),
				uid(),
			},
		},
		tf.TestStep{
			Config: instances + snapshots("old"),
			ConfigStateChecks: checks{
				statecheck.ExpectKnownValue("kvm_snapshot.standby", tfjsonpath.New("labels").AtMapKey("age"), knownvalue.StringExact("old")),
				uid(),
			},
		},
	)
}
