package acceptance_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// TestDamage_IsToldAndNothingIsDestroyed damages instances in standby and a
// snapshot in every way, freezes a process, and wants the plan to tell each, the apply to touch
// none, and what is advised to work.
func TestDamage_IsToldAndNothingIsDestroyed(t *testing.T) {
	t.Parallel()
	at := func(name, file string) string { return shared.path("instances", "dmg-"+name, file) }
	top := func(name string) string {
		inst, err := shared.instance(t.Context(), "dmg-"+name)
		must(t, err)
		return inst.Machine.Disk.Layers[0].File
	}
	var layer, newer string
	var metadata, hollow []byte
	damages := []struct {
		name   string
		do     func()
		told   []string // what is told of it by plan and apply
		advice []string // and what to do
		heal   func()   // does that
	}{
		{
			"gone", func() { must(t, os.Remove(at("gone", "checkpoint/memory"))) },
			[]string{"its checkpoint has no memory"}, []string{"Its disk is intact", "rm -r", "instances/dmg-gone/checkpoint"},
			func() { must(t, os.RemoveAll(at("gone", "checkpoint"))) },
		},
		{
			"empty", func() {
				must(t, os.RemoveAll(at("empty", "checkpoint")))
				must(t, os.Mkdir(at("empty", "checkpoint"), 0o700))
			},
			[]string{"its checkpoint has no memory, device-state, machine.json"}, []string{"Its disk is intact"},
			func() { must(t, os.RemoveAll(at("empty", "checkpoint"))) },
		},
		{
			"short", func() { resize(t, at("short", "checkpoint/memory"), 64<<20) },
			[]string{"its memory image has 67108864 bytes instead of 128 MiB"}, []string{"Its disk is intact"},
			func() { must(t, os.RemoveAll(at("short", "checkpoint"))) },
		},
		{
			"long", func() { resize(t, at("long", "checkpoint/memory"), 256<<20) },
			[]string{"its memory image has 268435456 bytes instead of 128 MiB"}, []string{"Its disk is intact"},
			func() { must(t, os.RemoveAll(at("long", "checkpoint"))) },
		},
		{ // golden has the layer, too
			"layer", func() { layer = top("layer"); must(t, os.Remove(at("layer", "disk/"+layer))) },
			[]string{"its disk layer", "is missing"}, []string{"under the same name", "find", "-name"},
			func() { must(t, os.Link(shared.path("snapshots/golden/disk", layer), at("layer", "disk/"+layer))) },
		},
		{
			"metadata", func() {
				metadata, _ = os.ReadFile(at("metadata", "instance.json"))
				must(t, os.WriteFile(at("metadata", "instance.json"), []byte("{\"name\":"), 0o600))
			},
			[]string{"its metadata cannot be read"}, []string{"Mend", "instances/dmg-metadata/instance.json"},
			func() { must(t, os.WriteFile(at("metadata", "instance.json"), metadata, 0o600)) },
		},
		{ // what it says is JSON, and not what the instance is
			"hollow", func() { hollow = hollowOut(t, "instances/dmg-hollow/instance.json") },
			[]string{"its metadata cannot be read", "machine definition is incomplete"}, []string{"Mend", "instances/dmg-hollow/instance.json"},
			func() { must(t, os.WriteFile(at("hollow", "instance.json"), hollow, 0o600)) },
		},
		{ // started by hand, and then killed: its old checkpoint is no standby
			"since", func() {
				startByHand(t, "dmg-since")
				shared.kill(t, "dmg-since")
				record, err := os.ReadFile(at("since", "instance.json"))
				must(t, err)
				_, rest, _ := strings.Cut(string(record), `"file":"`)
				newer, _, _ = strings.Cut(rest, `"`)
			},
			[]string{"has run since its checkpoint was taken", "wrote to its disk"}, []string{"boot from its disk as it is now", "rm -r", "go back to the checkpoint"},
			func() { must(t, os.Remove(at("since", "disk/"+newer))) },
		},
	}
	snapshotOf := func(name, instance string) string {
		return fmt.Sprintf("resource \"kvm_snapshot\" %q {\n  name = %q\n  instance = \"default/instances/%s\"\n}\n", name, name, instance)
	}
	config := snapshotOf("dmg-snap", "base") + snapshotOf("dmg-hollow-snap", "base")
	for _, d := range damages {
		config += fork("dmg-"+d.name, `state = "standby"`)
	}
	config += fork("dmg-frozen")
	w := newWorkspace(t, config)
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	for _, d := range damages {
		d.do()
	}
	must(t, os.Remove(shared.path("snapshots/dmg-snap/checkpoint/memory")))
	hollowSnapshot := hollowOut(t, "snapshots/dmg-hollow-snap/snapshot.json")
	frozen, err := shared.pid("dmg-frozen")
	must(t, err)
	must(t, syscall.Kill(frozen, syscall.SIGSTOP))
	before := hashes(t, "dmg-")

	plan := w.want(2, "plan", "-detailed-exitcode")
	tells(t, plan, fmt.Sprintf("Plan: 0 to add, %d to change, 0 to destroy", len(damages)+1))
	applied := w.want(1, "apply", "-auto-approve")
	for _, d := range damages {
		tells(t, planOf(plan, "dmg-"+d.name), "will be updated in-place", `state = "unknown" -> "standby"`)
		tells(t, plan, append(append([]string{"The instance dmg-" + d.name + " is damaged"}, d.told...), append([]string{"destroys what is left"}, d.advice...)...)...)
		tells(t, applied, append(append([]string{"Error: Unable to update instance dmg-" + d.name, "It is damaged:"}, d.told...), append([]string{"Nothing of it was changed"}, d.advice...)...)...)
	}
	tells(t, planOf(plan, "dmg-frozen"), `state = "unknown" -> "running"`)
	tells(t, plan, "What the instance dmg-frozen is cannot be told", "was stopped by a signal", "kill -CONT")
	tells(t, applied, "Error: Unable to update instance dmg-frozen", "whose state is unknown", "was stopped by a signal", "kill -CONT")
	tells(t, plan, "The snapshot dmg-snap is damaged", "its checkpoint has no memory", "Nothing can be forked from it any more", "Its disk is intact", "qemu-img convert", "-replace=")
	tells(t, plan, "The snapshot dmg-hollow-snap is damaged", "machine definition is incomplete", "Mend", "snapshots/dmg-hollow-snap/snapshot.json")
	tells(t, plan, "The instance dmg-metadata is damaged", "destroys what is left, or is refused when not even its uid is to be found in its metadata")

	// Nothing is changed or imported of which it cannot be told what it is.
	w.write(strings.Replace(config, `name = "dmg-hollow-snap"`, `name = "dmg-hollow-snap"`+"\n"+`labels = { role = "web" }`, 1))
	tells(t, w.want(1, "apply", "-auto-approve", "-target=kvm_snapshot.dmg-hollow-snap"), "Unable to update snapshot dmg-hollow-snap", "its metadata cannot be read", "Nothing of it was changed", "Mend")
	w.write(config + fork("dmg-mine") + strings.Replace(snapshotOf("dmg-hollow-snap", "base"), `"dmg-hollow-snap"`, `"dmg-mine"`, 1))
	for address, id := range map[string]string{"kvm_instance.dmg-mine": "instances/dmg-hollow", "kvm_snapshot.dmg-mine": "snapshots/dmg-hollow-snap"} {
		tells(t, w.want(1, "import", "-no-color", address, "default/"+id), "Unable to import", "its metadata cannot be read", "Host: default", "Mend", id)
	}

	// Nothing is made from what is damaged: the plan says so of a fork.
	w.write(config + forkOf("dmg-child", "default/snapshots/dmg-snap"))
	tells(t, w.want(1, "plan", "-detailed-exitcode"), "The source of the fork cannot be forked", "default/snapshots/dmg-snap", "its checkpoint has no memory", "Host: default", "-replace=ADDRESS -target=ADDRESS")
	w.write(config + forkOf("dmg-child", "default/instances/dmg-short"))
	tells(t, w.want(1, "plan", "-detailed-exitcode"), "The source of the fork cannot be forked", "default/instances/dmg-short", "damaged")
	w.write(config + snapshotOf("dmg-of", "dmg-short") + snapshotOf("dmg-of-frozen", "dmg-frozen"))
	applied = w.want(1, "apply", "-auto-approve", "-target=kvm_snapshot.dmg-of", "-target=kvm_snapshot.dmg-of-frozen")
	tells(t, applied, "Unable to take snapshot dmg-of", "instances/dmg-short is damaged", "its memory image")
	tells(t, applied, "Unable to take snapshot dmg-of-frozen", "instances/dmg-frozen", "stopped by a signal")
	tells(t, w.want(1, "destroy", "-auto-approve", "-target=kvm_instance.dmg-metadata"), "Unable to delete instance dmg-metadata", "does not say whose it is", "by hand")
	must(t, os.MkdirAll(shared.path("snapshots/dmg-mute"), 0o700))
	must(t, os.WriteFile(shared.path("snapshots/dmg-mute/snapshot.json"), []byte("{\"name\":"), 0o600))
	w.write(config + snapshotOf("dmg-mute", "base"))
	tells(t, w.want(1, "import", "-no-color", "kvm_snapshot.dmg-mute", "default/snapshots/dmg-mute"), "Unable to import snapshot dmg-mute", "its metadata cannot be read", "Mend")
	must(t, os.RemoveAll(shared.path("snapshots/dmg-mute")))
	if after := hashes(t, "dmg-"); after != before {
		t.Errorf("there was\n%sand is\n%s", before, after)
	}

	for _, d := range damages {
		d.heal()
	}
	must(t, os.WriteFile(shared.path("snapshots/dmg-hollow-snap/snapshot.json"), hollowSnapshot, 0o600))
	must(t, syscall.Kill(frozen, syscall.SIGCONT))
	w.write(config)
	plan = w.want(2, "plan", "-detailed-exitcode")
	tells(t, planOf(plan, "dmg-gone"), `state = "stopped" -> "standby"`)
	tells(t, plan, "Plan: 0 to add, 4 to change, 0 to destroy")

	config = snapshotOf("dmg-snap", "base") + snapshotOf("dmg-hollow-snap", "base") + fork("dmg-gone", `state = "stopped"`) + fork("dmg-empty", `state = "stopped"`) + fork("dmg-short", `state = "stopped"`) +
		fork("dmg-long") + fork("dmg-layer") + fork("dmg-metadata") + fork("dmg-hollow") + fork("dmg-since") + fork("dmg-frozen")
	w.write(config)
	w.want(0, "apply", "-auto-approve", "-replace=kvm_snapshot.dmg-snap")
	w.want(0, "plan", "-detailed-exitcode")
	for _, mended := range []check{
		shared.isIn("dmg-gone", lifecycle.Stopped), shared.isIn("dmg-empty", lifecycle.Stopped), shared.isIn("dmg-short", lifecycle.Stopped),
		shared.hasNewToken("dmg-long", new(shared.token)),
		shared.hasToken("dmg-frozen", &shared.token), shared.hasToken("dmg-layer", &shared.token), shared.hasToken("dmg-metadata", &shared.token), shared.hasToken("dmg-hollow", &shared.token),
		shared.hasToken("dmg-since", &shared.token), shared.in("dmg-since", "cat /disk/data", "testguest"),
	} {
		if err := mended(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "dmg-")()
}

// hollowOut takes what it says of the machine out of metadata, and returns what it
// was.
func hollowOut(t *testing.T, file string) []byte {
	t.Helper()
	was, err := os.ReadFile(shared.path(file))
	must(t, err)
	edit(t, file, func(text string) string {
		record := map[string]any{}
		must(t, json.Unmarshal([]byte(text), &record))
		record["machine"] = map[string]any{}
		changed, err := json.Marshal(record)
		must(t, err)
		return string(changed) + "\n"
	})
	return was
}

// hashes lists the files of all objects whose names begin with prefix, with
// what is in them.
func hashes(t *testing.T, prefix string) string {
	t.Helper()
	var b strings.Builder
	for _, kind := range []string{"images", "instances", "snapshots"} {
		dirs, err := filepath.Glob(shared.path(kind, prefix+"*"))
		must(t, err)
		for _, dir := range dirs {
			must(t, filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
				if err != nil || !entry.Type().IsRegular() || entry.Name() == "lock" { // that says who held it last
					return err
				}
				content, err := os.ReadFile(file)
				fmt.Fprintf(&b, "%x %s\n", sha256.Sum256(content), strings.TrimPrefix(file, shared.DataDir))
				return err
			}))
		}
	}
	return b.String()
}

func resize(t *testing.T, file string, size int64) {
	t.Helper()
	// Whoever else has a link to it keeps what it was.
	must(t, os.Rename(file, file+".linked"))
	content, err := os.ReadFile(file + ".linked")
	must(t, err)
	must(t, os.WriteFile(file, content, 0o600))
	must(t, os.Truncate(file, size))
	must(t, os.Remove(file+".linked"))
}
