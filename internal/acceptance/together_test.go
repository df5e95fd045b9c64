package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestApply_OfTwoAtOnceGivesEachNameToOne has two working directories make
// instances of the same names and of others, and snapshots of the same guest.
func TestApply_OfTwoAtOnceGivesEachNameToOne(t *testing.T) {
	t.Parallel()
	const common, own = 6, 8
	source := newWorkspace(t, fork("both-source"))
	source.want(0, "apply", "-auto-approve")
	config := func(who string) string {
		return fmt.Sprintf(`
			resource "kvm_instance" "common" {
				count   = %d
				name    = "both-common-${count.index}"
				fork_of = "default/snapshots/golden"
				state   = "standby"
				labels  = { owner = "%s" }
			}
			resource "kvm_instance" "own" {
				count   = %d
				name    = "both-%s-${count.index}"
				fork_of = "default/snapshots/golden"
				state   = "standby"
			}
			resource "kvm_snapshot" "own" {
				count    = 2
				name     = "both-%s-${count.index}"
				instance = "default/instances/both-source"
			}`, common, who, own, who, who)
	}
	type one struct {
		*workspace
		name  string
		args  []string
		out   string
		state []string
	}
	both := []*one{
		{workspace: newWorkspace(t, config("a")), name: "a", args: []string{"apply", "-auto-approve"}},
		{workspace: newWorkspace(t, config("b")), name: "b", args: []string{"apply", "-auto-approve", "-parallelism=30"}},
	}
	var wait sync.WaitGroup
	for _, who := range both {
		wait.Go(func() { _, who.out = who.terraform(who.args...) })
	}
	wait.Wait()

	var made []string
	for _, who := range both {
		who.state = strings.Fields(who.want(0, "state", "list"))
		made = append(made, who.state...)
	}
	for i := range common {
		name := fmt.Sprintf("both-common-%d", i)
		address := fmt.Sprintf("kvm_instance.common[%d]", i)
		inst, err := shared.instance(t.Context(), name)
		must(t, err)
		owner := fmt.Sprintf("instance %s was made at %s (uid %s, labels owner = %q)", name, inst.CreatedAt.Format(time.RFC3339), inst.UID, inst.Labels["owner"])
		owners := 0
		for _, who := range both {
			has := slices.Contains(who.state, address)
			told := says("Unable to fork instance "+name, "name is taken: "+owner, "terraform import", "default/instances/"+name).MatchString(who.out)
			if has == told || has != (who.name == inst.Labels["owner"]) {
				t.Errorf("of %s one has it in its state: %v, and was told that %s and how to import it: %v:\n%s", name, has, owner, told, who.out)
			}
			if has {
				owners++
			}
		}
		if owners != 1 {
			t.Errorf("%s has %d owners", name, owners)
		}
	}
	if want := common + 2*(own+2); len(made) != want {
		t.Errorf("both together have made %d objects; want %d: %v", len(made), want, made)
	}
	there, err := shared.objects(t.Context(), "both-")
	must(t, err)
	if len(there) != len(made)+1 {
		t.Errorf("on the host are %v; the two have made %v", there, made)
	}
	for _, who := range both {
		if said := strings.Count(who.out, "Error: ") - strings.Count(who.out, "name is taken"); said != 0 {
			t.Errorf("%d errors are not about a taken name:\n%s", said, who.out)
		}
		who.want(0, "destroy", "-auto-approve", "-parallelism=30")
	}
}
