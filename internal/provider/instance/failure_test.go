package instance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

func TestCreate_ThatCannotStartLeavesNothing(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.fail["start"] = once(&host.Error{Verb: "start", Object: "instance web", Host: "lab", Err: errBroken, Said: "no such device", Left: "it is stopped"})
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{
			Config:      instance(`image = "lab/images/debian"`),
			ExpectError: regexp.MustCompile(`(?s)Unable to start instance web.*no such device.*nothing is left`),
		},
		{
			PreConfig: func() {
				if len(lab.instances) != 0 {
					t.Errorf("left: %v", lab.instances)
				}
			},
			Config: instance(`image = "lab/images/debian"`), ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
		},
	}})
}

func TestCreate_OfAGuestThatIsNotReadyKeepsItTainted(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.fail["ready"] = once(errBroken)
	config := instance("image = \"lab/images/debian\"\nready = { check = \"console\", pattern = \"login:\" }")
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: config, ExpectError: regexp.MustCompile(`(?s)Unable to create instance web.*is\s+running\s+and\s+is\s+kept`)},
		{
			PreConfig: func() {
				if web := lab.instances["web"]; web == nil || web.State != lifecycle.Running {
					t.Errorf("the instance is %+v; want it running", web)
				}
			},
			Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
		},
	}})
}

// Whatever comes into the state the host is told to keep; where it cannot be told
// so, somebody else may get its name, and the next apply makes sure.
func TestCreate_HasTheHostKeepWhatTheStateKnowsOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail string
		says string
		kept int
	}{
		"well made":      {"", "", 1},
		"not ready":      {"ready", `Unable to create instance web`, 1},
		"not told of it": {"keep", `(?s)Broken.*the\s+host\s+was\s+not\s+told.*marked\s+as\s+tainted`, 0},
	} {
		lab := newFakeHost()
		config := instance("image = \"lab/images/debian\"\nready = { check = \"console\", pattern = \"login:\" }")
		first, action := tf.TestStep{Config: config}, plancheck.ResourceActionNoop
		if c.fail != "" {
			lab.fail[c.fail] = once(errBroken)
			first.ExpectError, action = regexp.MustCompile(c.says), plancheck.ResourceActionDestroyBeforeCreate
		}
		tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
			first,
			{PreConfig: func() {
				web := lab.instances["web"]
				if len(lab.kept) != c.kept || c.kept == 1 && lab.kept[0] != "instances/web "+web.UID {
					t.Errorf("%s: kept are %v of %+v", name, lab.kept, web)
				}
			}, Config: config, ConfigPlanChecks: planned(action)},
		}})
	}
}

// What was made when the connection was lost is known by its uid, and does not
// stand in the way of the next apply.
func TestCreate_WhoseAnswerIsLostIsDoneAnewByTheNextApply(t *testing.T) {
	t.Parallel()
	for call, arguments := range map[string]string{"create": `image = "lab/images/debian"`, "fork": `fork_of = "lab/instances/base"`} {
		for _, isThere := range []bool{true, false} {
			lab := newFakeHost()
			lab.add("base", host.Record{}, lifecycle.Stopped)
			lab.lose[call] = once(ssh.ErrLost)
			action := plancheck.ResourceActionDestroyBeforeCreate
			if !isThere {
				action = plancheck.ResourceActionCreate
			}
			tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
				{
					Config: instance(arguments),
					ExpectError: regexp.MustCompile(`(?s)Unable to create instance web.*was\s+lost.*may\s+be\s+on\s+the\s+host.*` +
						`marked\s+as\s+tainted.*terraform\s+apply\s+again.*terraform\s+untaint\s+ADDRESS`),
				},
				{
					PreConfig: func() {
						if !isThere {
							delete(lab.instances, "web")
						}
					},
					Config: instance(arguments), ConfigPlanChecks: planned(action), Check: is("state", "running"),
				},
			}})
			if len(lab.instances) != 1 {
				t.Errorf("%s: left: %v", call, lab.instances)
			}
		}
	}
}

func TestCreate_OfANameThatIsTakenLeavesItAlone(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	lab.add("web", host.Record{}, lifecycle.Running)
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{{
		Config: instance(`image = "lab/images/debian"`), ExpectError: regexp.MustCompile(`(?s)Unable to create instance web.*The name is taken`),
	}}})
	if lab.instances["web"] == nil {
		t.Error("what was there is gone")
	}
}

func TestDelete_OfAProtectedInstanceIsRefusedInThePlan(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: instance("image = \"lab/images/debian\"\ndeletion_protection = true")},
		{Config: " ", PlanOnly: true, ExpectError: regexp.MustCompile(`The instance is protected`)},
		{Config: instance(`image = "lab/images/alpine"`), PlanOnly: true, ExpectError: regexp.MustCompile(`The instance is protected`)},
		{Config: instance(`image = "lab/images/debian"`)},
	}})
	if len(lab.instances) != 0 {
		t.Errorf("left: %v", lab.instances)
	}
}

func TestSettle_KeepsOnlyWhatRuns(t *testing.T) {
	for name, c := range map[string]struct {
		err       error
		state     lifecycle.State
		cancelled bool
		kept      bool
	}{
		"a call failed":                     {errBroken, lifecycle.Stopped, false, false},
		"a call failed on what runs":        {errBroken, lifecycle.Running, false, false},
		"it is not ready":                   {&notReady{errBroken}, lifecycle.Running, false, true},
		"cancelled before it ran":           {errBroken, lifecycle.Stopped, true, false},
		"cancelled while it runs":           {errBroken, lifecycle.Running, true, true},
		"its name was taken over meanwhile": {host.ErrReplaced, lifecycle.Stopped, false, false},
	} {
		h := newFakeHost()
		inst := h.add("a", host.Record{}, c.state)
		ctx, cancel := contextOf(t, c.cancelled)
		gone, err := settle(ctx, h, inst, c.err)
		cancel()
		if there := h.instances["a"] != nil; gone == c.kept || there != c.kept {
			t.Errorf("%s: gone %v, on the host %v; want it kept: %v", name, gone, there, c.kept)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v lost its cause", name, err)
		}
	}
}

func TestSettle_SaysWhenItCouldNotDeleteAgain(t *testing.T) {
	h := newFakeHost()
	h.fail["delete"] = always(errors.New("the disk is on fire"))
	gone, err := settle(t.Context(), h, h.add("a", host.Record{}, lifecycle.Stopped), errBroken)
	if gone || !errors.Is(err, errBroken) {
		t.Errorf("gone %v, %v; want it kept in the state", gone, err)
	}
}

func TestSettle_SaysHowToGetRidOfWhatIsProtected(t *testing.T) {
	for name, c := range map[string]struct {
		protected bool
		err, undo error
		want      []string
	}{
		"kept":                             {false, &notReady{errBroken}, nil, []string{"is running and is kept, marked as tainted. The next apply replaces it", "untaint ADDRESS"}},
		"kept and protected":               {true, &notReady{errBroken}, nil, []string{"is running and is kept, marked as tainted. It is protected", "untaint ADDRESS", "deletion_protection = false"}},
		"not to be deleted":                {false, errBroken, errors.New("the disk is on fire"), []string{"could not be deleted again: the disk is on fire. The next apply replaces it"}},
		"not to be deleted, and protected": {true, errBroken, errors.New("the disk is on fire"), []string{"the disk is on fire. It is protected", "untaint ADDRESS", "deletion_protection = false"}},
	} {
		h := newFakeHost()
		h.fail["delete"] = always(c.undo)
		_, err := settle(t.Context(), h, h.add("a", host.Record{DeletionProtection: c.protected}, lifecycle.Running), c.err)
		said := report.Detail(hosts.ID{}, err)
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q; want %q in it", name, said, want)
			}
		}
		if c.protected && strings.Contains(said, "next apply replaces it") {
			t.Errorf("%s: %q; nothing replaces what is protected", name, said)
		}
	}
}

func TestRefuseDeletion_SaysWhatHelpsWhenItIsTaintedToo(t *testing.T) {
	var diags diag.Diagnostics
	if !refuseDeletion(&diags, modelOf(t, map[string]any{"deletion_protection": true})) || !strings.Contains(details(diags), "set deletion_protection = false and apply that first") ||
		!strings.Contains(details(diags), "run terraform untaint ADDRESS before") {
		t.Error(diags)
	}
}

func TestUpdate_ThatFailsSaysInWhichStateItLeftTheInstance(t *testing.T) {
	t.Parallel()
	lab := newFakeHost()
	config := func(memory int) string {
		return instance(fmt.Sprintf("image = \"lab/images/debian\"\nmemory_mib = %d", memory))
	}
	broken := &host.Error{Verb: "start", Object: "instance web", Host: "lab", Err: errBroken, Remedy: "mend it"}
	tf.UnitTest(t, tf.TestCase{ProtoV6ProviderFactories: onHost(lab), Steps: []tf.TestStep{
		{Config: config(512)},
		{
			PreConfig: func() { lab.fail["start"] = once(broken) },
			Config:    config(1024), ExpectError: regexp.MustCompile(`(?s)Unable to start instance web.*The instance is stopped\..*Mend it`),
		},
		{Config: config(1024), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), Check: is("state", "running")},
	}})
}

func TestUpdate_SaysWhatWasSeenLastWhereItCannotLookAgain(t *testing.T) {
	h := newFakeHost()
	r := &instanceResource{drive: func(string) (driver, error) { return h, nil }}
	h.add("a", host.Record{}, lifecycle.Running)
	h.fail["stop"] = func() error { delete(h.instances, "a"); return errBroken }
	m := modelOf(t, map[string]any{"state": "stopped"})
	_, err := r.update(t.Context(), m.id(), "uid-1", m, announced{})
	if said := report.Detail(m.id(), err); !strings.Contains(said, "The instance was last seen running.") {
		t.Error(said)
	}
}

func contextOf(t *testing.T, cancelled bool) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	if cancelled {
		cancel()
	}
	return ctx, cancel
}
