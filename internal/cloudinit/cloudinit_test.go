package cloudinit

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func made(t *testing.T, c Config) Seed {
	t.Helper()
	seed, err := c.Make()
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// filesOf are what a seed has, by name.
func filesOf(t *testing.T, seed Seed) map[string]string {
	t.Helper()
	files, err := read(seed.Image)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// metaOf is what the metadata of a seed says.
func metaOf(t *testing.T, seed Seed) map[string]any {
	t.Helper()
	var meta map[string]any
	if err := yaml.Unmarshal([]byte(filesOf(t, seed)["meta-data"]), &meta); err != nil {
		t.Fatal(err)
	}
	return meta
}

func number(n int64) *int64 { return &n }

func TestMake_OfEqualInputIsTheSameBytesAndOfOtherInputIsNot(t *testing.T) {
	same := Config{Hostname: "a", UserData: "#cloud-config\nusers: []\n", MetaData: "x: 1", NetworkConfig: "version: 2"}
	seeds := map[string]string{}
	for name, c := range map[string]Config{
		"same":              same,
		"another name":      {"b", same.UserData, same.MetaData, same.NetworkConfig, nil},
		"other user data":   {"a", same.UserData + "\n", same.MetaData, same.NetworkConfig, nil},
		"other metadata":    {"a", same.UserData, "x: 2", same.NetworkConfig, nil},
		"another network":   {"a", same.UserData, same.MetaData, "version: 1", nil},
		"no network":        {"a", same.UserData, same.MetaData, "", nil},
		"nothing":           {},
		"a secret":          {"a", same.UserData, same.MetaData, same.NetworkConfig, number(1)},
		"another secret":    {"a", same.UserData, same.MetaData, same.NetworkConfig, number(2)},
		"text moved across": {"a", "", same.UserData, same.NetworkConfig, nil},
	} {
		seed := made(t, c)
		if again := made(t, c); !bytes.Equal(again.Image, seed.Image) || again.Digest != seed.Digest {
			t.Errorf("%s: made twice, it is not the same", name)
		}
		if len(seed.Image) != Size {
			t.Errorf("%s: it has %d bytes", name, len(seed.Image))
		}
		id := fmt.Sprint(metaOf(t, seed)["instance-id"])
		if other, known := seeds[id]; known {
			t.Errorf("%s has the instance-id of %s, %s", name, other, id)
		}
		seeds[id] = name
	}
}

func TestMake_TellsNothingOfASecretButItsVersion(t *testing.T) {
	one, other := made(t, Config{UserData: "one", Version: number(7)}), made(t, Config{UserData: "other", Version: number(7)})
	if one.Digest != other.Digest || filesOf(t, one)["user-data"] != "one" {
		t.Errorf("%s, and %s", one.Digest, other.Digest)
	}
}

func TestMake_KeepsWhatWasWritten(t *testing.T) {
	c := Config{Hostname: "a", UserData: "#!/bin/sh\necho '\u00e9'", NetworkConfig: "version: 2\nethernets: {}\n"}
	files := filesOf(t, made(t, c))
	if files["user-data"] != c.UserData || files["network-config"] != c.NetworkConfig || len(files) != 3 {
		t.Errorf("%q", files)
	}
	if files = filesOf(t, made(t, Config{})); len(files) != 2 || files["user-data"] != "" {
		t.Errorf("of nothing: %q", files)
	}
}

func TestMetadata_HasDefaultsWhereItSaysNothing(t *testing.T) {
	id := func(c Config) string { return "kvm-" + c.Digest()[:16] }
	for meta, want := range map[string]map[string]any{
		"":                                    {"local-hostname": "web"},
		"# nothing":                           {"local-hostname": "web"},
		"x: 1\ny: [a]":                        {"x": 1, "y": []any{"a"}, "local-hostname": "web"},
		`{"local-hostname": "db"}`:            {"local-hostname": "db"},
		"instance-id: mine":                   {"instance-id": "mine", "local-hostname": "web"},
		"{instance-id: i-1, public-keys: {}}": {"instance-id": "i-1", "public-keys": map[string]any{}, "local-hostname": "web"},
		"---\nx: |\n  text\n":                 {"x": "text\n", "local-hostname": "web"},
	} {
		c := Config{Hostname: "web", MetaData: meta}
		if want["instance-id"] == nil {
			want["instance-id"] = id(c)
		}
		if got := metaOf(t, made(t, c)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q becomes %v; want %v", meta, got, want)
		}
	}
}

func TestCheck_SaysWhereItIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string // "": nothing
	}{
		"a mapping":              {Config{UserData: "#cloud-config\nusers: [default]\n"}, ""},
		"only a header":          {Config{UserData: "#cloud-config\n"}, ""},
		"a script":               {Config{UserData: "#!/bin/sh\n{ [ \n"}, ""},
		"MIME":                   {Config{UserData: "Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x\n"}, ""},
		"an include":             {Config{UserData: "#include\nhttps://example.com/\n"}, ""},
		"a template":             {Config{UserData: "## template: jinja\n#cloud-config\n{% if x %}\n"}, ""},
		"an archive":             {Config{UserData: "#cloud-config-archive\n- type: text/cloud-config\n"}, ""},
		"not YAML":               {Config{UserData: "#cloud-config\nusers: [a\nruncmd: [b]\n"}, "user data: line 3, column 7: it is not valid YAML: "},
		"a tab":                  {Config{UserData: "#cloud-config\na:\n\t- x\n"}, "line 3, column 1"},
		"a list":                 {Config{UserData: "#Cloud-Config\n- users\n"}, "line 2, column 1: it must be a YAML mapping"},
		"two documents":          {Config{UserData: "#cloud-config\na: b\n---\nc: d\n"}, "line 3, column 1: it must be one YAML document"},
		"metadata that is text":  {Config{MetaData: "  web"}, "meta_data: line 1, column 3"},
		"a network that is none": {Config{NetworkConfig: "version: 2: 3"}, "network_config: line 1, column 11: "},
		"all that may be":        {Config{UserData: strings.Repeat("x", MaxBytes)}, ""},
		"too much":               {Config{UserData: strings.Repeat("x", MaxBytes), MetaData: "a: b"}, "have 257 KiB together, and 256 KiB is the most"},
	} {
		_, err := c.config.Make()
		if said := fmt.Sprint(err); (err == nil) != (c.says == "") || c.says != "" && !strings.Contains(said, c.says) {
			t.Errorf("%s: %s; want %q", name, said, c.says)
		}
	}
}

func TestRead_RefusesWhatIsNoSeed(t *testing.T) {
	whole := made(t, Config{UserData: "x"}).Image
	for name, change := range map[string]func([]byte) []byte{
		"empty":                   func([]byte) []byte { return nil },
		"cut short":               func(b []byte) []byte { return b[:rootAt*sector] },
		"zeros":                   func(b []byte) []byte { return make([]byte, len(b)) },
		"a root that is nowhere":  func(b []byte) []byte { b[descriptorAt*sector+156+5] = 0x7f; return b },
		"a file that is nowhere":  func(b []byte) []byte { b[rootAt*sector+95+71+3] = 0x7f; b[rootAt*sector+96+70+5] = 0x7f; return b },
		"a record without an end": func(b []byte) []byte { b[rootAt*sector] = 33; return b },
	} {
		if _, _, err := Read(change(bytes.Clone(whole))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzMake makes a seed of anything: what was written is in it, the metadata has
// all that was given and the defaults, or there is an error.
func FuzzMake(f *testing.F) {
	for _, text := range []string{"", "a: b", "{a: b}", "#cloud-config\na: [1]\n", "#!/bin/sh", "- x", "a: &x [*x]", "? a\n: b", "<<: {instance-id: x}", "a: 1\na: 2", "%YAML 1.1\n---\na: 1\n...\n", "a: |+\n  x\n\n\n", "\x00", "\xff", "a: b\n---\nc: d", "!!binary x: y"} {
		f.Add("web", text, text, text)
	}
	f.Fuzz(func(t *testing.T, hostname, user, meta, network string) {
		c := Config{hostname, user, meta, network, nil}
		seed, err := c.Make()
		if err != nil {
			return
		}
		files := filesOf(t, seed)
		if files["user-data"] != user || files["network-config"] != network {
			t.Errorf("%+v became %q", c, files)
		}
		root, err := mapping(files["meta-data"])
		if err != nil || !has(root, "instance-id") || !has(root, "local-hostname") {
			t.Fatalf("%q became %q: %v", meta, files["meta-data"], err)
		}
		if again, err := c.Make(); err != nil || !bytes.Equal(again.Image, seed.Image) {
			t.Error("made twice, it is not the same")
		}
	})
}

// FuzzRead reads an image that is anybody's.
func FuzzRead(f *testing.F) {
	seed, err := Config{UserData: "x", NetworkConfig: "version: 2"}.Make()
	if err != nil {
		f.Fatal(err)
	}
	head := seed.Image[descriptorAt*sector : (filesAt+3)*sector]
	f.Add(head)
	f.Add(head[:4*sector])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = Read(append(make([]byte, descriptorAt*sector), b...))
	})
}
