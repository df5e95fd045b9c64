package acceptance_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// What is written to volumes before an operation: that many bytes of a letter at an
// offset, before which there are zeros.
const (
	markOffset = 1 << 20
	markLength = 64 << 10
)

// mark writes to the trial's volumes: in the guest that has one, or to its file.
func (o *oracle) mark() {
	o.t.Helper()
	for _, name := range o.volumes {
		o.lab.driver.Forget()
		volume, err := o.lab.driver.Volume(o.t.Context(), o.prefix+"-"+name)
		must(o.t, err)
		if inst := volume.Instance.Name; inst != "" && o.process {
			command := fmt.Sprintf("yes Z | tr -d '\\n' | head -c %d | dd of=%s bs=%d seek=%d conv=fsync 2>/dev/null", markLength, disk("data"), markLength, markOffset/markLength)
			must(o.t, o.lab.in(inst, command, "")(o.t.Context()))
			continue
		}
		must(o.t, o.qemuIO(volume, "-c", fmt.Sprintf("write -P 0x5a %d %d", markOffset, markLength)))
	}
}

func (o *oracle) qemuIO(volume *host.Volume, args ...string) error {
	out, err := exec.Command("qemu-io", append(args, "-f", "qcow2", o.lab.top(volume))...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "failed") {
		return fmt.Errorf("qemu-io %q: %v: %s", args, err, out)
	}
	return nil
}

func (l *lab) top(volume *host.Volume) string {
	return l.path("volumes", volume.Name, "disk", volume.Layers[0].File)
}

// isTop reports whether a layer is the one of a volume that is written, which an
// instance has a link to.
func (l *lab) isTop(layer string) bool {
	files, _ := filepath.Glob(l.path("volumes/*/volume.json")) // the pattern is well-formed
	return slices.ContainsFunc(files, func(file string) bool {
		text, _ := os.ReadFile(file) // what vanishes is none
		return strings.Contains(string(text), `"layers":[{"file":"`+layer+`"`)
	})
}

// written wants the trial's volumes to have what was written to them, and one
// writer at most, which is the process of the instance that has the volume.
func (o *oracle) written() {
	o.t.Helper()
	o.lab.driver.Forget()
	for _, volume := range o.lab.volumesWith(o.t, o.prefix) {
		if slices.Contains(o.volumes, strings.TrimPrefix(volume.Name, o.prefix+"-")) {
			if err := o.qemuIO(volume, "-U", "-r", "-c", fmt.Sprintf("read -P 0 0 %d", markOffset), "-c", fmt.Sprintf("read -P 0x5a %d %d", markOffset, markLength)); err != nil {
				o.t.Errorf("what was on %s is not there any more: %v", volume.Name, err)
			}
		}
		writers := writersOf(volume.Layers[0].File)
		if allowed := volume.Instance.Name != "" && o.process; len(writers) > 1 || len(writers) == 1 && !allowed {
			o.t.Errorf("the volume %s, of instance %q, is open for writing in the processes %v", volume.Name, volume.Instance.Name, writers)
		}
		var names []string
		records, _ := filepath.Glob(o.lab.path("instances/*/instance.json")) // the pattern is well-formed
		for _, record := range records {
			if text, _ := os.ReadFile(record); strings.Contains(string(text), volume.UID) {
				names = append(names, record)
			}
		}
		if len(names) > 1 {
			o.t.Errorf("the volume %s is a disk of several instances: %v", volume.Name, names)
		}
	}
}

// writersOf are the QEMU processes that have a layer open for writing.
func writersOf(layer string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well-formed
	for _, file := range files {
		if target, _ := os.Readlink(file); !strings.Contains(target, "/disk/"+layer) { // what vanishes has none
			continue
		}
		dir := filepath.Dir(filepath.Dir(file))
		info, _ := os.ReadFile(filepath.Join(dir, "fdinfo", filepath.Base(file)))
		var flags int
		_, line, _ := strings.Cut(string(info), "flags:")
		if _, err := fmt.Sscanf(line, "%o", &flags); err != nil || flags&(os.O_WRONLY|os.O_RDWR) == 0 || slices.Contains(pids, filepath.Base(dir)) {
			continue
		}
		pids = append(pids, filepath.Base(dir))
	}
	return pids
}

// owned wants all that there is to belong to somebody, and volumes to have the size
// that their metadata has.
func (o *oracle) owned() {
	o.t.Helper()
	var strays []string
	for end := time.Now().Add(standstill); ; time.Sleep(50 * time.Millisecond) {
		if strays = o.lab.strays(o.prefix); len(strays) == 0 || time.Now().After(end) {
			break
		}
	}
	for _, stray := range strays {
		o.t.Errorf("%s belongs to nobody", stray)
	}
	for _, volume := range o.lab.volumesWith(o.t, o.prefix) {
		out, err := exec.Command("qemu-img", "info", "-U", o.lab.top(volume)).CombinedOutput()
		if err != nil || !strings.Contains(string(out), fmt.Sprintf("(%d bytes)", volume.SizeBytes)) {
			o.t.Errorf("the volume %s is to have %d bytes: %v, %s", volume.Name, volume.SizeBytes, err, out)
		}
	}
}

// strays names what is on the host of a prefix and belongs to nobody: a seed or a
// boot file that was to be another's, the link of a disk that no metadata names, a
// tap, a bridge, a table of rules, a dnsmasq, the names of a network.
func (l *lab) strays(prefix string) (found []string) {
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	files, _ := filepath.Glob(l.path("instances", prefix+"-*", "boot", "*")) // the pattern is well-formed
	for _, file := range files {
		record, _ := os.ReadFile(filepath.Join(file, "../../instance.json"))
		switch name := filepath.Base(file); {
		case filepath.Ext(name) == ".tmp", filepath.Ext(name) == ".was", name == "seed.iso" && !strings.Contains(string(record), `"seed_digest"`):
			add("%s", file)
		}
	}
	links, _ := filepath.Glob(l.path("instances", prefix+"-*", "disk", "*"))
	for _, link := range links {
		record, err := os.ReadFile(filepath.Join(link, "../../instance.json"))
		if volumes, _ := filepath.Glob(l.path("volumes/*/disk", filepath.Base(link))); err == nil && len(volumes) > 0 && !strings.Contains(string(record), filepath.Base(link)) {
			add("%s", link)
		}
	}
	if l.link == nil {
		return found
	}
	before := l.networksAt()
	devices := l.says("ip", "-o", "link", "show")
	tables := l.says("nft", "list", "tables")
	served := l.dnsmasqs("networks/" + prefix + "-")
	networks := l.networksAt()
	for uid, name := range before {
		networks[uid] = name
	}
	for _, line := range strings.Split(devices+tables, "\n") {
		_, alias, _ := strings.Cut(line, "alias terraform-kvm ")
		owner, _, _ := strings.Cut(alias, " ")
		if owner != "" && !strings.Contains(owner, "/") && strings.HasPrefix(owner, prefix+"-") {
			if _, err := os.Stat(l.path("instances", owner)); err != nil {
				add("the tap %s", line)
			}
		}
		_, bridge, is := strings.Cut(line, "kvmnet")
		if is && len(bridge) >= 8 && networks[bridge[:8]] == "" && !strings.Contains(line, " master kvmnet") {
			add("%s", line)
		}
	}
	perNetwork := map[string]int{}
	for _, pid := range served {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		_, name, _ := strings.Cut(string(command), l.path("networks")+"/")
		name, _, _ = strings.Cut(name, "/")
		if perNetwork[name]++; perNetwork[name] > 1 || !slices.Contains(slices.Collect(maps.Values(networks)), name) {
			add("dnsmasq %d of %s", pid, name)
		}
	}
	entries, _ := filepath.Glob("/run/terraform-kvm/*/*")
	for _, entry := range entries {
		text, _ := os.ReadFile(entry)
		if uid := filepath.Base(filepath.Dir(entry)); strings.Contains(string(text), ","+prefix+"-") && networks[uid[:8]] == "" && !slices.Contains(l.others, uid) {
			add("%s", entry)
		}
	}
	return found
}

// namedNetworks are the uids of networks, of whatever host, whose guests are named to
// a dnsmasq: a run of these tests that was killed leaves some.
func namedNetworks() (uids []string) {
	dirs, _ := filepath.Glob("/run/terraform-kvm/*") // the pattern is well-formed
	for _, dir := range dirs {
		uids = append(uids, filepath.Base(dir))
	}
	return uids
}

// networksAt are the names of networks, by the first part of their uids.
func (l *lab) networksAt() map[string]string {
	found := map[string]string{}
	files, _ := filepath.Glob(l.path("networks/*/network.json")) // the pattern is well-formed
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if _, uid, is := strings.Cut(string(text), `"uid":"`); is && len(uid) >= 8 {
			found[uid[:8]] = filepath.Base(filepath.Dir(file))
		}
	}
	return found
}

// says is what a command prints on the host; nothing if it fails.
func (l *lab) says(argv ...string) string {
	argv = l.within(argv...)
	out, _ := exec.Command(argv[0], argv[1:]...).Output()
	return string(out)
}

// dnsmasqs are the processes of networks whose path begins so.
func (l *lab) dnsmasqs(network string) (pids []int) {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, file := range commands {
		command, _ := os.ReadFile(file) // it may just have gone
		var pid int
		if _, err := fmt.Sscanf(file, "/proc/%d/", &pid); err == nil && strings.HasPrefix(string(command), "dnsmasq\x00") && strings.Contains(string(command), l.path(network)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (l *lab) volumesWith(t *testing.T, prefix string) (found []*host.Volume) {
	t.Helper()
	all, err := l.driver.Volumes(context.Background())
	must(t, err)
	for _, volume := range all {
		if strings.HasPrefix(volume.Name, prefix+"-") {
			found = append(found, volume)
		}
	}
	return found
}

func (l *lab) networksWith(t *testing.T, prefix string) (found []*host.Network) {
	t.Helper()
	all, err := l.driver.Networks(context.Background())
	must(t, err)
	for _, network := range all {
		if strings.HasPrefix(network.Name, prefix+"-") {
			found = append(found, network)
		}
	}
	return found
}
