package host

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// A takenHost lists what it has, and refuses to make anything: its name is taken.
type takenHost struct {
	Transport
	metadata, files string
}

func (h takenHost) Run(_ context.Context, s ssh.Script) (ssh.Result, error) {
	if s.Text == inventoryScript {
		return ssh.Result{Stdout: "[metadata]\n" + h.metadata + "[files]\n" + h.files + "[processes]\nboot machine\n[events]\n[checkpoints]\n[ports]\n*\n[end]\n"}, nil
	}
	return ssh.Result{Status: 41, Stderr: "it is there already\n"}, nil
}

func (h takenHost) Stream(ctx context.Context, s ssh.Script, _ io.Reader) (ssh.Result, error) {
	return h.Run(ctx, s)
}

func TestTaken_SaysWhoHasTheName(t *testing.T) {
	const made = `"uid":"u-1","created_at":"2026-11-24T10:00:00Z"`
	for name, c := range map[string]struct {
		kind            Kind
		metadata, files string
		want, remedy    string
	}{
		"an instance": {
			Instances, "instances/a/instance.json:" + strings.Replace(goodMetadata, `"uid":"u"`, made, 1) + "\n", goodLayer,
			"the name is taken: instance a was made at 2026-11-24T10:00:00Z (uid u-1)", "terraform import ADDRESS lab/instances/a",
		},
		"one with labels": {
			Instances, "instances/a/instance.json:" + strings.Replace(goodMetadata, `"uid":"u"`, made+`,"labels":{"tier":"\"1\"","role":"web"}`, 1) + "\n", goodLayer,
			`instance a was made at 2026-11-24T10:00:00Z (uid u-1, labels role = "web", tier = "\"1\"")`, "terraform import ADDRESS lab/instances/a",
		},
		"a damaged one": {
			Instances, "instances/a/instance.json:" + strings.Replace(goodMetadata, `"uid":"u"`, made, 1) + "\n", "",
			"(uid u-1) and is damaged: its disk layer", "terraform import ADDRESS lab/instances/a",
		},
		"a snapshot": {
			Snapshots, `snapshots/a/snapshot.json:{` + made + `,"labels":{"role":"golden"}}` + "\n", "",
			`snapshot a was made at 2026-11-24T10:00:00Z (uid u-1, labels role = "golden")`, "terraform import ADDRESS lab/snapshots/a",
		},
		"an image": {
			Images, `images/a/image.json:{` + made + `,"format":"raw","sha256":"` + strings.Repeat("0", 64) + `"}` + "\n", "1 0 0 images/a/data\n",
			"image a was made at 2026-11-24T10:00:00Z (uid u-1)", "terraform import ADDRESS lab/images/a",
		},
		"one of which only the uid can be read": {
			Images, `images/a/image.json:{` + made + "}\n", "",
			`image a was made at an unknown time (uid u-1) and is damaged: its metadata cannot be read`, "terraform import ADDRESS lab/images/a",
		},
		"one that cannot be read": {
			Images, "", "1 0 0 images/a/data\n",
			"what has it does not say what it is: its metadata cannot be read", "mend or remove '/data/images/a' on the host",
		},
		"a directory of nothing": {
			Instances, "", "",
			"what has it does not say what it is", "mend or remove '/data/instances/a' on the host",
		},
	} {
		h := New(Config{Name: "lab", DataDir: "/data"}, takenHost{metadata: c.metadata, files: c.files})
		_, err := h.call("make", c.kind, "a").write(t.Context(), "script")
		if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.remedy) {
			t.Errorf("%s: %v; want %q and %q", name, err, c.want, c.remedy)
		}
	}
}

func TestTaken_IsToldByWhateverMakesSomething(t *testing.T) {
	image := `images/a/image.json:{"uid":"u-1","format":"raw","sha256":"` + strings.Repeat("0", 64) + `"}` + "\n"
	inst := "instances/a/instance.json:" + strings.Replace(goodMetadata, `"uid":"u"`, `"uid":"u-1"`, 1) + "\n"
	snap := "snapshots/a/snapshot.json:" + strings.Replace(goodMetadata, `"uid":"u"`, `"uid":"u-1","instance":"instances/a","kind":"stopped"`, 1) + "\n"
	h := New(Config{Name: "lab", DataDir: "/data", Accelerator: "tcg"}, takenHost{
		metadata: image + inst + snap, files: "1 0 0 images/a/data\n" + goodLayer + strings.Replace(goodLayer, "instances", "snapshots", 1),
	})
	_, put := h.PutImage(t.Context(), ImageSpec{Name: "a"}, nil)
	_, take := h.TakeSnapshot(t.Context(), SnapshotSpec{Name: "a", Instance: "a"})
	_, fork := h.Fork(t.Context(), ForkSpec{Name: "a", Source: Ref{Snapshots, "a"}})
	for what, err := range map[string]error{"put": put, "take": take, "fork": fork} {
		if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "(uid u-1)") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
