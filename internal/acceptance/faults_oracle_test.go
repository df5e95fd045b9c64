package acceptance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// An oracle says whether a fault has done harm.
type oracle struct {
	*trial
	frozen map[string]string // sums of files that are never written again, by path
}

// standstill is how long a guest may stand still whose provider is gone.
const standstill = 5 * time.Second

// rightAfter wants what nobody has to mend: guests that go on, and what was said
// to be done to be done.
func (o *oracle) rightAfter(status int) {
	o.t.Helper()
	var unsettled string
	for end := time.Now().Add(standstill); ; time.Sleep(50 * time.Millisecond) {
		if unsettled = o.unsettled(); unsettled == "" {
			break
		}
		if time.Now().After(end) {
			if !o.kind.helpless {
				o.t.Errorf("%s after the fault, %s", standstill, unsettled)
			}
			break
		}
	}
	o.unchanged()
	o.written()
	if status == 0 && !o.kind.dies {
		if status, plan := o.ws.terraform("plan", "-detailed-exitcode"); status != 0 {
			o.t.Errorf("the apply with the fault succeeded, and the plan after it ends with status %d:\n%s", status, plan)
		}
	}
}

// remember sums up what the trial's objects have that is frozen.
func (o *oracle) remember() {
	o.t.Helper()
	o.frozen = o.lab.frozen(o.t, o.prefix)
}

// unchanged wants whatever is still there of that to be the same.
func (o *oracle) unchanged() {
	o.t.Helper()
	now := o.lab.frozen(o.t, o.prefix)
	for path, sum := range o.frozen {
		if now[path] != sum && now[path] != "" {
			o.t.Errorf("%s was frozen, and has changed", path)
		}
	}
}

// unsettled names an instance that neither runs nor rests.
func (o *oracle) unsettled() string {
	for _, inst := range o.lab.withPrefix(o.t, o.prefix) {
		rests := inst.State == lifecycle.Running || inst.State == lifecycle.Standby || inst.State == lifecycle.Stopped
		if !rests || inst.Problem != "" {
			return fmt.Sprintf("%s is %s (%s%s)", inst.Name, inst.State, inst.Problem, inst.Unclear)
		}
	}
	return ""
}

// mended wants the next apply to do what is left, and nothing to be left then.
func (o *oracle) mended(struck string) {
	o.t.Helper()
	status, out := o.ws.terraform("apply", "-auto-approve")
	if status != 0 && o.kind.kills && struck == "keep" {
		// The host was told that it is known, and Terraform was not: it is the
		// one moment at which a name can be lost, and the error says how to have it.
		status, out = o.imported(out)
	}
	if status != 0 {
		o.t.Errorf("the apply after the fault ends with status %d:\n%s", status, out)
		return
	}
	if status, plan := o.ws.terraform("plan", "-detailed-exitcode"); status != 0 {
		o.t.Errorf("the plan after that ends with status %d:\n%s", status, plan)
	}
	o.sameAsInventory()
	o.unchanged()
	o.written()
	o.owned()
	for _, guest := range o.guests {
		name := o.prefix + "-" + guest
		if inst, err := o.lab.instance(o.t.Context(), name); o.kind.dies || err != nil || inst.State != lifecycle.Running {
			continue
		}
		if token, err := o.lab.tokenOf(o.t.Context(), name); err != nil || token != o.lab.token {
			o.t.Errorf("the guest of %s has the token %q (%v); want that of its memory, %q", name, token, err, o.lab.token)
		}
	}
	if o.holds != nil {
		if err := o.holds(o.t.Context(), o.prefix); err != nil {
			o.t.Error(err)
		}
	}
}

var importLine = regexp.MustCompile(`terraform import ADDRESS\s+(default/(instances|images|snapshots|volumes|networks)/(\S+))\.`)

// imported takes over what an error says how to.
func (o *oracle) imported(out string) (int, string) {
	o.t.Helper()
	advice := importLine.FindStringSubmatch(strings.Join(strings.Fields(strings.ReplaceAll(out, "│", "")), " "))
	if advice == nil {
		return 1, out
	}
	if status, out := o.ws.terraform("import", "kvm_"+strings.TrimSuffix(advice[2], "s")+"."+advice[3], advice[1]); status != 0 {
		return status, out
	}
	return o.ws.terraform("apply", "-auto-approve")
}

// sameAsInventory wants the state and the host to have the same objects.
func (o *oracle) sameAsInventory() {
	o.t.Helper()
	var state struct {
		Resources []struct {
			Instances []struct {
				Attributes struct{ UID, State string }
				Status     string
			}
		}
	}
	must(o.t, json.Unmarshal([]byte(o.ws.want(0, "state", "pull")), &state))
	var known, there []string
	for _, resource := range state.Resources {
		for _, i := range resource.Instances {
			known = append(known, strings.TrimSpace(i.Attributes.UID+" "+i.Attributes.State+" "+i.Status))
		}
	}
	l := o.lab
	for _, inst := range l.withPrefix(o.t, o.prefix) {
		there = append(there, inst.UID+" "+string(inst.State))
		if inst.Unkept {
			o.t.Errorf("%s is not kept", inst.Name)
		}
	}
	snapshots, err := l.driver.Snapshots(o.t.Context())
	must(o.t, err)
	for _, snap := range snapshots {
		if strings.HasPrefix(snap.Name, o.prefix) {
			there = append(there, snap.UID)
		}
	}
	images, err := l.driver.Images(o.t.Context())
	must(o.t, err)
	for _, image := range images {
		if strings.HasPrefix(image.Name, o.prefix) {
			there = append(there, image.UID)
		}
	}
	for _, volume := range l.volumesWith(o.t, o.prefix) {
		there = append(there, volume.UID)
		if volume.Unkept {
			o.t.Errorf("%s is not kept", volume.Name)
		}
	}
	for _, network := range l.networksWith(o.t, o.prefix) {
		there = append(there, network.UID+map[bool]string{true: " up", false: " down"}[network.Up])
		if network.Unkept {
			o.t.Errorf("%s is not kept", network.Name)
		}
	}
	slices.Sort(known)
	slices.Sort(there)
	if !slices.Equal(known, there) {
		o.t.Errorf("the state has %q, the host %q", known, there)
	}
}

// gone wants a destroy to leave nothing, and golden to be what it was.
func (o *oracle) gone() {
	o.t.Helper()
	if status, out := o.ws.terraform("destroy", "-auto-approve"); status != 0 {
		o.t.Errorf("the destroy ends with status %d:\n%s", status, out)
	}
	// A connection that is half-open has the host wait for the rest of an upload.
	// Until here it was; now the host comes to know.
	o.proxy.Reset()
	var left []string
	for end := time.Now().Add(standstill); ; time.Sleep(50 * time.Millisecond) {
		if left = o.lab.leftOf(o.prefix); len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			o.t.Errorf("left are %q", left)
			return
		}
	}
}

func (l *lab) withPrefix(t *testing.T, prefix string) (found []*host.Instance) {
	t.Helper()
	l.driver.Forget()
	all, err := l.driver.Instances(t.Context())
	must(t, err)
	for _, inst := range all {
		if strings.HasPrefix(inst.Name, prefix+"-") {
			found = append(found, inst)
		}
	}
	return found
}

// leftOf names whatever on the host has a name with that prefix: a file, a
// port's owner, a process.
func (l *lab) leftOf(prefix string) (left []string) {
	for _, dir := range []string{"images", "instances", "snapshots", "volumes", "networks", "ports"} {
		entries, _ := os.ReadDir(l.path(dir)) // what vanishes is not left
		for _, entry := range entries {
			owner, _ := os.Readlink(l.path(dir, entry.Name()))
			if strings.Contains(entry.Name(), prefix+"-") || strings.Contains(owner, "/"+prefix+"-") {
				left = append(left, dir+"/"+entry.Name())
			}
		}
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, file := range commands {
		command, _ := os.ReadFile(file)
		cwd, _ := os.Readlink(filepath.Join(filepath.Dir(file), "cwd"))
		if strings.Contains(string(command), "qemu-system") && strings.Contains(cwd, l.path("instances", prefix+"-")) {
			left = append(left, "process "+filepath.Base(filepath.Dir(file)))
		}
	}
	return append(left, l.strays(prefix)...)
}

// sweep removes what a trial that failed has left, so that it is not held against
// the others.
func (l *lab) sweep(t *testing.T, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l.driver.Forget()
	objects, err := l.objects(ctx, prefix+"-")
	must(t, err)
	for _, object := range objects {
		if err := l.remove(ctx, object); err != nil {
			t.Error(err)
		}
	}
}
