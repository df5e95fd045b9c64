package host

import (
	"encoding/json"
	"maps"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

const (
	goodForwards = `"forwards":{"lan":{"ssh":{"protocol":"tcp","host_address":"127.0.0.1","host_port":2201,"guest_port":22}}},`
	goodNIC      = `"nics":[{"key":"lan","type":"user","mac":"52:54:00:00:00:01"}],`
	goodRefs     = `"image":"images/a","fork_of":"snapshots/a","kernel_image":"images/a","initrd_image":"images/a","restored_from":"snapshots/a",`
)

// hostileMetadata is metadata of which one text is not what it should be.
func hostileMetadata() []string {
	full := strings.Replace(`{`+goodForwards+goodRefs+`"labels":{"role":"web"},"instance":"instances/a","kind":"stopped","format":"raw","sha256":"`+
		strings.Repeat("0", 64)+`",`+goodMetadata[1:], `"cpu"`, goodNIC+`"cpu"`, 1)
	texts := []string{full, goodMetadata, "", "{}", "null", "[]", `{"UID":"u","Labels":{"x":"y"}}`, "\x00", `{"machine":{"disk":{}}}`, strings.Repeat("[", 9999)}
	for _, good := range []string{
		`"u"`, `"a"`, `"pc-q35-7.2"`, `"tcg"`, `"max"`, `"user"`, `"52:54:00:00:00:01"`, `"tcp"`, `"127.0.0.1"`, "2201", "22",
		`"00000000000000aa.qcow2"`, `"qcow2"`, `"images/a"`, `"snapshots/a"`, `"instances/a"`, `"stopped"`, `"raw"`, `"` + strings.Repeat("0", 64) + `"`,
	} {
		for _, bad := range []string{`"../../../etc/shadow"`, `"images/../../x"`, `"hosts/a"`, `"x,help"`, `"max,check=on"`, `"a\nb"`, `"$(id)"`, `"1.1.1.1:1-:1 x"`, `"\u001b[2J"`, `""`, "-1", "99999999999"} {
			texts = append(texts, strings.ReplaceAll(full, good, bad))
		}
	}
	return texts
}

// FuzzListing reads a listing in which stands anything. It never panics, no
// object has a name that is a path, and of one that is believed no text is an
// option of QEMU, a path or another object's than it may be.
func FuzzListing(f *testing.F) {
	for _, text := range hostileMetadata() {
		f.Add("instances/a/instance.json:"+text+"\nsnapshots/a/snapshot.json:"+text+"\nimages/a/image.json:"+text, goodLayer, "boot machine")
	}
	for _, name := range []string{"..", ".", "", "../../etc", "a/../b", "A", "-a", "a\x00", "a,b", "a:b", ".tmp-1-a", strings.Repeat("a", 64), "[end]"} {
		f.Add("instances/"+name+"/instance.json:"+goodMetadata, "1 8 4096 instances/"+name+"/disk/x\n1 8 instances/a/"+name, "boot machine\n"+name)
		f.Add(name+"/a/instance.json:"+goodMetadata, name, name)
	}
	f.Add("[end]", "", "")
	f.Add(goodPid+goodMachine, goodLayer+goodMemory+"1 8 10 instances/a/rollback/instance.json", "boot machine\n"+goodStat+"[events]\n"+resumed+"[ports]\n* 1 x\nFFFFF\n-1")
	f.Add(goodPid, "", "boot machine\n) ) (\n77 (\n"+strings.Repeat(") 1", 30))
	f.Fuzz(func(t *testing.T, metadata, files, rest string) {
		for _, text := range []string{
			metadata, metadata + files + rest + "\n[end]\n",
			"[metadata]\n" + metadata + "\n[files]\n" + files + "\n[processes]\n" + rest + "\n[events]\n[checkpoints]\n[ports]\n*\n[end]\n",
		} {
			l, err := parseListing("/data", text)
			if err != nil {
				continue
			}
			for name, inst := range l.instances {
				checkListed(t, Ref{Instances, name}, inst.Unreadable, inst.UID, inst.Machine, inst.Forwards,
					inst.Image, inst.ForkOf, inst.KernelImage, inst.InitrdImage, inst.RestoredFrom)
			}
			for name, snap := range l.snapshots {
				checkListed(t, Ref{Snapshots, name}, snap.Unreadable, snap.UID, snap.Machine, snap.Forwards, snap.Instance, snap.KernelImage, snap.InitrdImage)
			}
			for name, image := range l.images {
				checkListed(t, Ref{Images, name}, true, image.UID, qemu.Machine{}, nil)
				if file := imageLayerOf(image); path.Base(file) != file {
					t.Errorf("the layer of image %s is %q", name, file)
				}
			}
			_ = l.isTorn()
		}
	})
}

func imageLayerOf(image *Image) string {
	if image.Unreadable {
		return "none"
	}
	return imageLayer(image).File
}

func checkListed(t *testing.T, ref Ref, unreadable bool, uid string, m qemu.Machine, forwards map[string]map[string]qemu.Forward, refs ...Ref) {
	t.Helper()
	h := New(Config{DataDir: "/data"}, nil)
	if dir := h.dir(ref); path.Dir(dir) != "/data/"+string(ref.Kind) || strings.HasPrefix(path.Base(dir), ".") {
		t.Errorf("%q is in %q", ref, dir)
	}
	if strings.ContainsAny(uid, " ,=/*\n\x00\x1b") || uid == "" && !unreadable {
		t.Errorf("the uid of %q is %q", ref, uid)
	}
	for _, other := range refs {
		if dir := h.dir(other); other != (Ref{}) && (path.Dir(dir) != "/data/"+string(other.Kind) || other.Kind == "") {
			t.Errorf("%q refers to %q", ref, other)
		}
	}
	if unreadable {
		if m.Type != "" || m.Disk != nil || len(forwards) > 0 {
			t.Errorf("of %q, which cannot be read, is believed %+v with %v", ref, m, forwards)
		}
		return
	}
	options := []string{m.Type, m.CPU, m.Accelerator}
	for _, nic := range m.NICs {
		options = append(options, nic.Type, nic.MAC)
	}
	for _, layer := range layerFiles(m) {
		options = append(options, layer)
		if path.Base(layer) != layer || strings.HasPrefix(layer, ".") {
			t.Errorf("a layer of %q is %q", ref, layer)
		}
	}
	for _, of := range forwards {
		for _, forward := range of {
			options = append(options, forward.Protocol, forward.HostAddress)
		}
	}
	for _, option := range options {
		if strings.ContainsAny(option, ",= /\n\x00{'\"*") {
			t.Errorf("%q of %q becomes an option", option, ref)
		}
	}
}

// FuzzRecord writes metadata with other labels: they are what is read then,
// whatever else stands in it, and that is kept.
func FuzzRecord(f *testing.F) {
	for _, text := range hostileMetadata() {
		f.Add(text, "role", "web")
	}
	for _, text := range []string{`"`, "\n", "\x1b[2J", "$(id)", "'", "\u2028", "\xff", "</script>", `\`, strings.Repeat("x", 255)} {
		f.Add(goodMetadata, text, text)
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		key, value = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(value, "?") // JSON is UTF-8
		var was, is Record
		if json.Unmarshal([]byte(text), &was) != nil {
			return
		}
		was.Labels = map[string]string{key: value}
		written := compact(was)
		if strings.ContainsAny(written, "\n\r\x00\x1b") {
			t.Errorf("written is %q, which is not one line of text", written)
		}
		if err := json.Unmarshal([]byte(written), &is); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if !reflect.DeepEqual(is.Labels, was.Labels) || is.UID != was.UID || !maps.EqualFunc(is.others, was.others, func(a, b json.RawMessage) bool { return compact(a) == compact(b) }) {
			t.Errorf("written as %s, which is read as %+v; want %+v", written, is, was)
		}
	})
}

// FuzzRef reads the name of an object as metadata has it.
func FuzzRef(f *testing.F) {
	for _, text := range []string{"", "images/a", "instances/a-1", "snapshots/a/b", "/", "a", "images/..", "../a", "images/A", "hosts/a", "images/a\n", "images/"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var ref Ref
		if ref.UnmarshalText([]byte(text)) != nil {
			return
		}
		if ref.String() != text || text != "" && (path.Clean("/data/"+text) != "/data/"+text || strings.Count(text, "/") != 1) {
			t.Errorf("%q is read as %+v", text, ref)
		}
	})
}
