package host

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// found is a listing of one instance, whose parts a test chooses.
type found struct{ metadata, files, stat, events string }

const (
	goodMetadata = `{"name":"a","uid":"u","machine":{"type":"pc-q35-7.2","accelerator":"tcg","cpu":"max","vcpus":1,"memory_mib":1,"disk":{"size_bytes":1,"layers":[{"file":"00000000000000aa.qcow2","format":"qcow2"}]}}}`
	goodMachine  = `instances/a/checkpoint/machine.json:{"type":"pc-q35-7.2","accelerator":"tcg","cpu":"max","vcpus":1,"memory_mib":1,"disk":{"size_bytes":1,"layers":[{"file":"00000000000000aa.qcow2","format":"qcow2"}]}}` + "\n"
	goodPid      = "instances/a/run/control.pid:77 1234 boot machine\n"
	goodLayer    = "1 8 4096 instances/a/disk/00000000000000aa.qcow2\n"
	goodMemory   = "1 8 1048576 instances/a/checkpoint/memory\n1 8 10 instances/a/checkpoint/device-state\n1 8 10 instances/a/checkpoint/machine.json\n"
	goodStat     = "77 (qemu-system (x) 86) S 1 77 77 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 3 0 1234 1 1\n"
	resumed      = `instances/a/run/control.out:{"timestamp": {"seconds": 1, "microseconds": 0}, "event": "RESUME"}` + "\n"
	stopped      = `instances/a/run/control.out:{"timestamp": {"seconds": 2, "microseconds": 0}, "event": "STOP"}` + "\n"
	receiverPid  = "instances/a/run/receiver.pid:78 5678 boot machine\n"
	receiverStat = "78 (qemu-system) S 1 78 78 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 3 0 5678 1 1\n"
	hasPanicked  = `instances/a/run/control.out:{"timestamp": {"seconds": 2, "microseconds": 0}, "event": "GUEST_PANICKED", "data": {"action": "pause"}}` + "\n"
	newerLayer   = "1 800 400000 instances/a/disk/00000000000000bb.qcow2\n"
	shutdown     = `instances/a/run/control.out:{"timestamp": {"seconds": 3, "microseconds": 0}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}` + "\n"
)

func (f found) read(t *testing.T) *Instance {
	t.Helper()
	text := "[metadata]\ninstances/a/instance.json:" + f.metadata + "[files]\n" + f.files +
		"[processes]\nboot machine\n" + f.stat + "[events]\n" + f.events + "[checkpoints]\n[ports]\n* 20001\n1F90\n[end]\n"
	l, err := parseListing("/data", text)
	if err != nil {
		t.Fatal(err)
	}
	inst := l.instances["a"]
	if inst == nil {
		t.Fatalf("no instance in %s", text)
	}
	return inst
}

// seeded is one with a seed, of which stat says this, or nothing.
func (f found) seeded(stat string) found {
	f.metadata = strings.Replace(strings.Replace(f.metadata, `{"name"`, `{"seed_digest":"`+strings.Repeat("0a", 32)+`","name"`, 1), `"disk":{`, `"seed":{"size_bytes":524288},"disk":{`, 1)
	if stat != "" {
		f.files += stat + " instances/a/boot/seed.iso\n"
	}
	return f
}

func TestListing_DerivesTheStateFromFacts(t *testing.T) {
	with := func(lines ...string) string { return goodMetadata + "\n" + strings.Join(lines, "") }
	for name, c := range map[string]struct {
		found
		want lifecycle.State
	}{
		"no process, no checkpoint":     {found{with(), goodLayer, "", ""}, lifecycle.Stopped},
		"no process, a checkpoint":      {found{with(goodMachine), goodLayer + goodMemory, "", ""}, lifecycle.Standby},
		"running":                       {found{with(goodPid), goodLayer, goodStat, resumed}, lifecycle.Running},
		"running, a stale checkpoint":   {found{with(goodPid, goodMachine), goodLayer + goodMemory, goodStat, resumed}, lifecycle.Running},
		"paused":                        {found{with(goodPid), goodLayer, goodStat, resumed + stopped}, lifecycle.Paused},
		"resumed again":                 {found{with(goodPid), goodLayer, goodStat, stopped + resumed}, lifecycle.Running},
		"started, not yet running":      {found{with(goodPid), goodLayer, goodStat, ""}, lifecycle.Stopped},
		"restored, not yet running":     {found{with(goodPid, goodMachine), goodLayer + goodMemory, goodStat, ""}, lifecycle.Standby},
		"stopped by a signal":           {found{with(goodPid), goodLayer, strings.Replace(goodStat, ") S", ") T", 1), resumed}, lifecycle.Unknown},
		"a zombie":                      {found{with(goodPid), goodLayer, strings.Replace(goodStat, ") S", ") Z", 1), resumed}, lifecycle.Stopped},
		"pid of a stranger":             {found{with(goodPid), goodLayer, strings.Replace(goodStat, "1234", "9999", 1), resumed}, lifecycle.Stopped},
		"pid of another boot":           {found{with(strings.Replace(goodPid, " boot", " older", 1)), goodLayer, goodStat, resumed}, lifecycle.Stopped},
		"on another machine":            {found{with(strings.Replace(goodPid, " machine", " other", 1)), goodLayer, goodStat, resumed}, lifecycle.Unknown},
		"a layer missing":               {found{with(), "", "", ""}, lifecycle.Unknown},
		"memory truncated":              {found{with(goodMachine), goodLayer + strings.Replace(goodMemory, "1048576", "4096", 1), "", ""}, lifecycle.Unknown},
		"panicked":                      {found{with(goodPid), goodLayer, goodStat, resumed + hasPanicked + stopped}, lifecycle.Panicked},
		"panicked, let go on by hand":   {found{with(goodPid), goodLayer, goodStat, resumed + hasPanicked + stopped + resumed}, lifecycle.Running},
		"a running one's layer missing": {found{with(goodPid), "", goodStat, resumed}, lifecycle.Running},
		"an empty checkpoint":           {found{with(), goodLayer + "2 8 4096 instances/a/checkpoint\n", "", ""}, lifecycle.Unknown},
		"a checkpoint it ran since":     {found{strings.Replace(goodMetadata, "aa.qcow2", "bb.qcow2", 1) + "\n" + goodMachine, goodLayer + newerLayer + goodMemory, "", ""}, lifecycle.Unknown},
		"a start that was broken off":   {found{strings.Replace(goodMetadata, "aa.qcow2", "bb.qcow2", 1) + "\n" + goodMachine, goodLayer + strings.Replace(newerLayer, "400000", "196616", 1) + goodMemory, "", ""}, lifecycle.Standby},
		"memory missing":                {found{with(goodMachine), goodLayer + goodMemory[strings.Index(goodMemory, "\n")+1:], "", ""}, lifecycle.Unknown},
		"metadata that is no JSON":      {found{"nonsense\n", goodLayer, "", ""}, lifecycle.Unknown},
		"metadata that names a path":    {found{strings.Replace(goodMetadata, "00000000000000aa.qcow2", "../../etc/shadow", 1) + "\n", goodLayer, "", ""}, lifecycle.Unknown},
		"a seed":                        {found{with(), goodLayer, "", ""}.seeded("2 8 524288"), lifecycle.Stopped},
		"a seed missing":                {found{with(), goodLayer, "", ""}.seeded(""), lifecycle.Unknown},
		"a seed of another size":        {found{with(), goodLayer, "", ""}.seeded("2 8 512"), lifecycle.Unknown},
		"a digest that is none":         {found{strings.Replace(with(), `{"name"`, `{"seed_digest":"$(id)","name"`, 1), goodLayer, "", ""}, lifecycle.Unknown},
		"metadata of another tool":      {found{strings.Replace(goodMetadata, `{"name"`, `{"is_template":true,"fork_count":3,"name"`, 1) + "\n" + goodMachine, goodLayer + goodMemory, "", ""}, lifecycle.Standby},
	} {
		inst := c.read(t)
		if inst.State != c.want {
			t.Errorf("%s: %s (%s); want %s", name, inst.State, inst.Problem, c.want)
		}
		unclear := strings.Contains(name, "signal") || strings.Contains(name, "machine")
		if damaged := c.want == lifecycle.Unknown && !unclear || strings.Contains(name, "layer missing"); damaged != (inst.Problem != "") || damaged != (inst.Rescue != "") {
			t.Errorf("%s: problem %q, rescue %q", name, inst.Problem, inst.Rescue)
		}
		if unclear != (inst.Unclear != "") {
			t.Errorf("%s: unclear because %q", name, inst.Unclear)
		}
	}
}

func TestListing_SaysWhyAProcessEnded(t *testing.T) {
	if inst := (found{goodMetadata + "\n", goodLayer, "", resumed + shutdown}).read(t); inst.Ended != "guest-shutdown" {
		t.Errorf("ended by %q", inst.Ended)
	}
}

func TestListing_SaysThatTheHostHasRestarted(t *testing.T) {
	if inst := (found{goodMetadata + "\n" + strings.Replace(goodPid, " boot", " older", 1), goodLayer, goodStat, resumed}).read(t); inst.Ended != HostRestarted {
		t.Errorf("ended by %q", inst.Ended)
	}
}

func TestListing_KnowsAForwardThatNobodyListensFor(t *testing.T) {
	forwards := func(port int) string {
		return strings.Replace(goodMetadata, `"machine"`, fmt.Sprintf(`"forwards":{"lan":{"http":{"protocol":"tcp","host_port":%d},"dns":{"protocol":"udp","host_port":1}}},"machine"`, port), 1)
	}
	for name, c := range map[string]struct {
		found
		lost int
	}{
		"somebody listens":      {found{forwards(0x1F90) + "\n" + goodPid, goodLayer, goodStat, resumed}, 0},
		"nobody listens":        {found{forwards(8081) + "\n" + goodPid, goodLayer, goodStat, resumed}, 1},
		"QEMU has just started": {found{forwards(8081) + "\n" + goodPid, goodLayer, goodStat, ""}, 0},
		"it does not run":       {found{forwards(8081) + "\n", goodLayer, "", resumed}, 0},
	} {
		inst := c.read(t)
		if len(inst.Lost["lan"]) != c.lost || len(inst.Present()["lan"]) != 2-c.lost || len(inst.Forwards["lan"]) != 2 {
			t.Errorf("%s: lost %v, present %v", name, inst.Lost, inst.Present())
		}
	}
}

func TestListing_BelievesTheDiskAndNotTheSizeThatWasWrittenDown(t *testing.T) {
	larger := strings.Replace(goodMetadata, `"name"`, `"disk_gib":5,"name"`, 1)
	for metadata, want := range map[string]int{
		larger: 0,
		strings.Replace(larger, `"size_bytes":1`, `"size_bytes":5368709120`, 1): 5,
		strings.Replace(larger, `"size_bytes":1`, `"size_bytes":6442450944`, 1): 6,
	} {
		if inst := (found{metadata + "\n", goodLayer, "", ""}).read(t); inst.DiskGiB != want {
			t.Errorf("%s: %d GiB; want %d", metadata, inst.DiskGiB, want)
		}
	}
}

func TestRecord_KeepsTheKeysOfOthers(t *testing.T) {
	inst := found{strings.Replace(goodMetadata, `"name"`, `"is_template":true,"tool":{"fork_count":3},"name"`, 1) + "\n", goodLayer, "", ""}.read(t)
	inst.Labels = map[string]string{"role": "web"}
	text := compact(inst.Record)
	for _, want := range []string{`"is_template":true`, `"tool":{"fork_count":3}`, `"labels":{"role":"web"}`, `"uid":"u"`} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%s is not there once: %s", want, text)
		}
	}
	again := found{text + "\n", goodLayer, "", ""}.read(t)
	if compact(again.Record) != text {
		t.Errorf("%s becomes %s", text, compact(again.Record))
	}
}

func TestListing_KnowsAFrozenLayerByItsLinks(t *testing.T) {
	for links, want := range map[string]bool{"1": false, "2": true} {
		inst := found{goodMetadata + "\n", links + goodLayer[1:], "", ""}.read(t)
		if inst.frozen != want {
			t.Errorf("%s links: frozen %t", links, inst.frozen)
		}
	}
}

func TestListing_TellsDamageOfAnImage(t *testing.T) {
	const (
		sum  = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
		good = `{"name":"a","uid":"u","sha256":"` + sum + `","format":"qcow2","size_bytes":4096}`
		data = "2 8 4096 images/a/data\n"
	)
	for name, c := range map[string]struct {
		metadata, files string
		problem         string
		rescue          []string
	}{
		"none":                        {good, data, "", nil},
		"metadata that is no JSON":    {"nonsense", data, "cannot be read", []string{"/data/images/a/image.json", "rm -r /data/images/a"}},
		"metadata without a uid":      {strings.Replace(good, `"uid"`, `"id"`, 1), data, "uid", []string{"/data/images/a/image.json"}},
		"metadata without a sum":      {strings.Replace(good, `"sha256"`, `"sum"`, 1), data, "sha256", []string{"/data/images/a/image.json"}},
		"metadata without a format":   {strings.Replace(good, `"format"`, `"kind"`, 1), data, "format", []string{"/data/images/a/image.json"}},
		"metadata that names a path":  {strings.Replace(good, sum[:16], "../../etc/shadow", 1), data, "sha256", []string{"/data/images/a/image.json"}},
		"no metadata":                 {"", data, "cannot be read", []string{"/data/images/a/image.json"}},
		"empty metadata, and no more": {"", "1 0 0 images/a/image.json\n", "cannot be read", []string{"/data/images/a/image.json"}},
		"no data":                     {good, "", "its data is missing", []string{"links of their own", "find /data -name " + sum[:16] + ".qcow2", "(ln -f) to /data/images/a/data"}},
		"another file as data":        {good, "1 8 4095 images/a/data\n", "its data has 4095 bytes instead of 4096", []string{"links of their own", "find /data -name " + sum[:16] + ".qcow2"}},
		"data that others have, too":  {good, "3 8 4095 images/a/data\n", "its data has 4095 bytes instead of 4096", []string{"shares the damage", "find /data -samefile /data/images/a/data"}},
	} {
		metadata := ""
		if c.metadata != "" {
			metadata = "images/a/image.json:" + c.metadata + "\n"
		}
		l, err := parseListing("/data", "[metadata]\n"+metadata+"[files]\n"+c.files+"[processes]\nboot machine\n[events]\n[checkpoints]\n[ports]\n*\n[end]\n")
		if err != nil {
			t.Fatal(err)
		}
		image := l.images["a"]
		if image == nil {
			t.Errorf("%s: it is not listed", name)
			continue
		}
		if image.Name != "a" || (image.Problem != "") != (c.problem != "") || !strings.Contains(image.Problem, c.problem) || (image.Rescue != "") != (c.problem != "") {
			t.Errorf("%s: image %q, problem %q, rescue %q", name, image.Name, image.Problem, image.Rescue)
		}
		for _, want := range c.rescue {
			if !strings.Contains(strings.ReplaceAll(image.Rescue, "'", ""), want) {
				t.Errorf("%s: %q is not in the rescue: %q", name, want, image.Rescue)
			}
		}
		if unreadable := c.problem != "" && !strings.HasPrefix(c.problem, "its data "); unreadable != image.Unreadable || unreadable != (image.SHA256 == "") {
			t.Errorf("%s: of what cannot be read something is believed: %+v", name, image)
		}
		if l.isTorn() != (c.problem != "") {
			t.Errorf("%s: it is looked at again: %t", name, l.isTorn())
		}
	}
}

func TestListing_PassesOverWhatIsNotAnObject(t *testing.T) {
	l, err := parseListing("/data", "[metadata]\ninstances/.tmp-1-a/instance.json:{}\nimages/B/image.json:{}\nodd\n[files]\nodd\n[processes]\nb m\n[events]\n[checkpoints]\n[ports]\n*\n[end]\n")
	if err != nil || len(l.instances)+len(l.images)+len(l.snapshots) != 0 || l.bare {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestListing_ThatWasCutShortIsAnError(t *testing.T) {
	if _, err := parseListing("/data", "[metadata]\n[files]\n"); err == nil {
		t.Error("no error")
	}
}

func TestListing_KnowsClaimedAndListeningPorts(t *testing.T) {
	taken, bare := parsePorts([]string{"* 20001 lost+found", "1F90", "odd"})
	if !taken[20001] || !taken[8080] || len(taken) != 2 || bare {
		t.Errorf("%v, %t", taken, bare)
	}
	if _, bare := parsePorts([]string{"1F90"}); !bare {
		t.Error("a data directory without layout does not show")
	}
}

func TestListing_TrustsNothingOfARollbackThatIsNotFinished(t *testing.T) {
	inst := found{goodMetadata + "\n", goodLayer + "1 8 10 instances/a/rollback/instance.json\n", "", ""}.read(t)
	if inst.State != lifecycle.Unknown || inst.Problem == "" || !inst.halfway {
		t.Errorf("it is %s (%s)", inst.State, inst.Problem)
	}
}

func TestListing_KnowsWhichSnapshotsSayWhatTheyAre(t *testing.T) {
	const good = `{"name":"s","uid":"u","instance":"instances/a","kind":"stopped","machine":{"type":"pc-q35-7.2","accelerator":"tcg","cpu":"max","vcpus":1,"memory_mib":1}}`
	for text, readable := range map[string]bool{
		good: true,
		strings.Replace(good, `"uid":"u",`, "", 1):                false,
		strings.Replace(good, `"instance":"instances/a",`, "", 1): false,
		strings.Replace(good, `"memory_mib":1`, `"memory":1`, 1):  false,
		`{"name":"s"`: false,
	} {
		l, err := parseListing("/data", "[metadata]\nsnapshots/s/snapshot.json:"+text+"\n[files]\n[processes]\nb m\n[events]\n[ports]\n*\n[end]\n")
		if err != nil {
			t.Fatal(err)
		}
		if snap := l.snapshots["s"]; snap.Unreadable == readable || (snap.Problem == "") != readable || (snap.Rescue == "") != readable {
			t.Errorf("%s: unreadable %t, problem %q, rescue %q", text, snap.Unreadable, snap.Problem, snap.Rescue)
		}
	}
}

func TestListing_KnowsThatAGuestStandsStillToBeCopied(t *testing.T) {
	both := goodMetadata + "\n" + goodPid + receiverPid
	for name, c := range map[string]struct {
		found
		want bool
	}{
		"copied":               {found{both, goodLayer, goodStat + receiverStat, resumed + stopped}, true},
		"copied while it runs": {found{both, goodLayer, goodStat + receiverStat, resumed}, false},
		"paused by somebody":   {found{goodMetadata + "\n" + goodPid, goodLayer, goodStat, resumed + stopped}, false},
		"the receiver is gone": {found{both, goodLayer, goodStat, resumed + stopped}, false},
	} {
		if inst := c.read(t); inst.copying != c.want {
			t.Errorf("%s: copying is %t", name, inst.copying)
		}
	}
}

func TestListing_KnowsThatItWasTorn(t *testing.T) {
	snapshot := strings.ReplaceAll(goodMetadata, `"name"`, `"kind":"stopped","instance":"instances/a","name"`)
	for name, c := range map[string]struct {
		files, checkpoints string
		want               bool
	}{
		"whole":                       {goodLayer + strings.ReplaceAll(goodLayer, "instances", "snapshots"), "instances/*/checkpoint/memory", false},
		"went into standby meanwhile": {goodLayer + strings.ReplaceAll(goodLayer, "instances", "snapshots"), "instances/a/checkpoint/memory", true},
		"a snapshot's files missing":  {goodLayer, "instances/*/checkpoint/memory", true},
	} {
		l, err := parseListing("/data", "[metadata]\ninstances/a/instance.json:"+goodMetadata+"\nsnapshots/a/snapshot.json:"+snapshot+
			"\n[files]\n"+c.files+"[processes]\nboot machine\n[events]\n[checkpoints]\n"+c.checkpoints+"\n[ports]\n*\n[end]\n")
		if err != nil || l.isTorn() != c.want {
			t.Errorf("%s: torn is %t, %v", name, l.isTorn(), err)
		}
	}
}

func TestListing_TakesNoSnapshotOfAnUnknownKind(t *testing.T) {
	for _, kind := range []string{"", `"kind":"running",`} {
		l, err := parseListing("/data", "[metadata]\nsnapshots/a/snapshot.json:{"+kind+goodMetadata[1:]+"\n[files]\n"+strings.ReplaceAll(goodLayer, "instances", "snapshots")+
			"[processes]\nboot machine\n[events]\n[checkpoints]\n[ports]\n*\n[end]\n")
		if err != nil || l.snapshots["a"].Problem == "" {
			t.Errorf("%q: %+v, %v", kind, l.snapshots["a"], err)
		}
	}
}

func TestListing_ReadsTextsAsTheShellDoes(t *testing.T) {
	if inst := (found{goodMetadata + "\ninstances/a/instance.json:\n", goodLayer, "", ""}).read(t); inst.raw != goodMetadata || inst.State != lifecycle.Stopped {
		t.Errorf("%q, %s", inst.raw, inst.State)
	}
}
