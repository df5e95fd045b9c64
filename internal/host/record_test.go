package host

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// obedient is a host on which all goes well; it remembers what it was told last.
type obedient struct {
	Transport
	told ssh.Script
}

func (o *obedient) Run(_ context.Context, s ssh.Script) (ssh.Result, error) {
	o.told = s
	return ssh.Result{}, nil
}

// As TestRecord_KeepsTheKeysOfOthers has it of instances.
func TestSnapshotsAndImages_KeepTheKeysOfOthers(t *testing.T) {
	text := `{"is_template":true,"name":"a","uid":"u","tool":{"fork_count":3},"instance":"instances/a","kind":"stopped",` +
		`"machine":{"type":"pc-q35-7.2","accelerator":"tcg","cpu":"max","vcpus":1,"memory_mib":1},"format":"raw","sha256":"` + strings.Repeat("0", 64) + `"}`
	transport := &obedient{}
	h := New(Config{Name: "lab", DataDir: "/data"}, transport)
	settings := json.RawMessage(`{"by":"us"}`)
	for name, write := range map[string]func(*listing) error{
		"snapshot.json": func(l *listing) error { return h.LabelSnapshot(t.Context(), l.snapshots["a"], nil, settings) },
		"image.json":    func(l *listing) error { return h.NoteImage(t.Context(), l.images["a"], settings) },
	} {
		list := func(text string) *listing {
			l, err := parseListing("/data", "[metadata]\nsnapshots/a/snapshot.json:"+text+"\nimages/a/image.json:"+text+
				"\n[files]\n[processes]\nboot machine\n[events]\n[ports]\n*\n[end]\n")
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		written := text
		for range 2 { // what was read once is written as it is again
			if err := write(list(written)); err != nil {
				t.Fatal(err)
			}
			args := transport.told.Args
			if args[1] != name || args[2] != written {
				t.Errorf("%s: told %q; want it changed from %s", name, args, written)
			}
			written = args[3]
			for _, want := range []string{`"is_template":true`, `"tool":{"fork_count":3}`, `"settings":{"by":"us"}`, `"uid":"u"`} {
				if strings.Count(written, want) != 1 {
					t.Errorf("%s: %s is not there once: %s", name, want, written)
				}
			}
		}
	}
}
