package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamage_OfAnImageIsToldAndNothingIsDestroyed damages images in every way,
// and wants the plan to tell each, nothing to be made from them, what was made
// before to stay, and what is advised to work.
func TestDamage_OfAnImageIsToldAndNothingIsDestroyed(t *testing.T) {
	t.Parallel()
	at := func(name, file string) string { return shared.path("images", "dmi-"+name, file) }
	write := func(file, content string) { t.Helper(); must(t, os.WriteFile(file, []byte(content), 0o600)) }
	read := func(file string) string {
		t.Helper()
		content, err := os.ReadFile(file)
		must(t, err)
		return string(content)
	}
	content := func(name string) string { return strings.Repeat(fmt.Sprintf("%-8s\n", name), 1000) }
	damages := []struct {
		name   string
		do     func()
		told   string
		advice string
	}{
		{
			"mute", func() { write(at("mute", "image.json"), `{"name":`) },
			"its metadata cannot be read", "Mend",
		},
		{
			"vague", func() {
				edit(t, "images/dmi-vague/image.json", func(s string) string { return strings.Replace(s, `"sha256"`, `"sum"`, 1) })
			},
			"its metadata cannot be read", "-replace=ADDRESS",
		},
		{
			"gone", func() { must(t, os.Remove(at("gone", "data"))) },
			"its data is missing", "-replace=ADDRESS",
		},
		{
			"short", func() { resize(t, at("short", "data"), 1000) },
			"its data has 1000 bytes instead of 9000", "-replace=ADDRESS",
		},
	}
	config, fresh := "", ""
	for _, d := range damages {
		source := filepath.Join(t.TempDir(), d.name)
		write(source, content(d.name))
		config += image("dmi-"+d.name, source, "")
		fresh += fmt.Sprintf("resource \"kvm_instance\" \"dmi-new-%[1]s\" {\n  name = \"dmi-new-%[1]s\"\n  image = kvm_image.dmi-%[1]s.id\n  memory_mib = 64\n  state = \"stopped\"\n}\n", d.name)
	}
	config += "resource \"kvm_instance\" \"dmi-old\" {\n  name = \"dmi-old\"\n  image = kvm_image.dmi-gone.id\n  memory_mib = 64\n  state = \"stopped\"\n}\n"
	w := newWorkspace(t, config)
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	metadata, old := read(at("mute", "image.json")), hashes(t, "dmi-old")
	for _, d := range damages {
		d.do()
	}
	before := hashes(t, "dmi-")

	plan := w.want(0, "plan", "-detailed-exitcode")
	for _, d := range damages {
		tells(t, plan, "The image dmi-"+d.name+" is damaged", d.told, "Host: default", "Nothing can be made from it any more", "links of their own", "live on", d.advice)
	}
	w.write(config + fresh)
	applied := w.want(1, "apply", "-auto-approve")
	for _, d := range damages {
		tells(t, applied, "Unable to create instance dmi-new-"+d.name, "image dmi-"+d.name+" is damaged: "+d.told, "Host: default")
	}
	w.write(config)
	tells(t, w.want(1, "apply", "-auto-approve", "-replace=kvm_image.dmi-mute"), "Unable to delete image dmi-mute", "does not say whose it is", "by hand")
	tells(t, w.want(1, "destroy", "-auto-approve", "-target=kvm_image.dmi-mute"), "Unable to delete image dmi-mute", "does not say whose it is", "by hand")
	w.want(0, "state", "rm", "kvm_image.dmi-mute")
	tells(t, w.want(1, "apply", "-auto-approve"), "Unable to create image dmi-mute", "name is taken", "does not say what it is", "cannot be read", "mend or remove")
	tells(t, w.want(1, "import", "-no-color", "kvm_image.dmi-mute", "default/images/dmi-mute"), "Unable to import image dmi-mute", "its metadata cannot be read", "Mend", "images/dmi-mute/image.json")
	if after := hashes(t, "dmi-"); after != before {
		t.Errorf("there was\n%sand is\n%s", before, after)
	}

	write(at("mute", "image.json"), metadata)
	w.want(0, "import", "kvm_image.dmi-mute", "default/images/dmi-mute")
	w.want(0, "apply", "-auto-approve", "-replace=kvm_image.dmi-vague", "-replace=kvm_image.dmi-gone", "-replace=kvm_image.dmi-short")
	w.want(0, "plan", "-detailed-exitcode")
	for _, d := range damages {
		if got := read(at(d.name, "data")); got != content(d.name) {
			t.Errorf("the image %s has %d bytes: %.20q", d.name, len(got), got)
		}
	}
	if now := hashes(t, "dmi-old"); now != old {
		t.Errorf("of what was made before there was\n%sand is\n%s", old, now)
	}
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "dmi-")()
}
