package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// A listing is what inventory.sh saw of a host at one time.
type listing struct {
	at        time.Time // when it was begun
	took      time.Duration
	served    sync.Map // by Ref: what it has told a reader of
	bare      bool     // the data directory has no layout at all
	torn      bool     // an instance went into standby while it was made
	images    map[string]*Image
	instances map[string]*Instance
	snapshots map[string]*Snapshot
	volumes   map[string]*Volume
	networks  map[string]*Network
	taken     map[int]bool // host ports that are claimed, or listened on
}

// A file is what stat says of a file of an object.
type file struct {
	links     int
	diskBytes int64 // allocated
	size      int64
}

// evidence is all that was seen of one object, by file name within it.
type evidence struct {
	texts  map[string]string
	files  map[string]file
	events string
}

// isUnkept reports whether nobody has said yet that they know of the object.
func (e *evidence) isUnkept() bool {
	_, unkept := e.files["maker"]
	return unkept
}

// parseListing reads inventory.sh's output. What other tools or people have put
// among the objects is passed over. dir is the data directory, for what is said
// of damage.
func parseListing(dir, text string) (*listing, error) {
	sections := map[string][]string{}
	var current string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") && !strings.Contains(line, "/") {
			current = line
		}
		sections[current] = append(sections[current], line)
	}
	if current != "[end]" || sections["[processes]"] == nil || sections["[ports]"] == nil {
		return nil, errors.New("the host's listing was cut short")
	}
	for _, name := range []string{"[processes]", "[ports]"} {
		if len(sections[name]) == 0 {
			return nil, fmt.Errorf("the host's listing has no section %s", name)
		}
	}
	objects := gather(sections)
	procs := parseProcesses(sections["[processes]"][1:])
	listening := parseListening(sections["[ports]"][1:])

	l := &listing{
		images: map[string]*Image{}, instances: map[string]*Instance{}, snapshots: map[string]*Snapshot{},
		volumes: map[string]*Volume{}, networks: map[string]*Network{},
	}
	carried := map[string]bool{}
	for _, line := range sections["[networks]"] {
		carried[line] = true
	}
	for ref, seen := range objects {
		switch ref.Kind {
		case Images:
			l.images[ref.Name] = readImage(dir, ref, seen)
		case Snapshots:
			l.snapshots[ref.Name] = readSnapshot(dir, ref, seen)
		case Volumes:
			l.volumes[ref.Name] = readVolume(dir, ref, seen)
		case Instances:
			l.instances[ref.Name] = readInstance(dir, ref, seen, procs, listening)
		case Networks:
			l.networks[ref.Name] = readNetwork(ref, seen, procs, carried)
		}
	}
	l.join()
	l.torn = anyCheckpointIsNew(sections["[checkpoints]"], l.instances)
	l.taken, l.bare = parsePorts(sections["[ports]"][1:])
	return l, nil
}

// anyCheckpointIsNew reports whether one of an instance that was seen without is
// among those that were listed last.
func anyCheckpointIsNew(lines []string, instances map[string]*Instance) bool {
	for _, path := range strings.Fields(strings.Join(lines, " ")) {
		_, rest, _ := strings.Cut(path, "/")
		name, _, _ := strings.Cut(rest, "/")
		if inst := instances[name]; inst != nil && inst.State == lifecycle.Stopped {
			return true
		}
	}
	return false
}

// gather sorts the lines of files by the object whose files they are.
func gather(sections map[string][]string) map[Ref]*evidence {
	objects := map[Ref]*evidence{}
	object := func(path string) (*evidence, string) {
		kind, rest, _ := strings.Cut(path, "/")
		name, part, _ := strings.Cut(rest, "/")
		ref := Ref{Kind(kind), name}
		if !NamePattern.MatchString(name) || part == "" {
			return nil, ""
		}
		if objects[ref] == nil {
			objects[ref] = &evidence{texts: map[string]string{}, files: map[string]file{}}
		}
		return objects[ref], part
	}
	for _, line := range sections["[metadata]"] {
		path, text, _ := strings.Cut(line, ":")
		if seen, name := object(path); seen != nil {
			if before, more := seen.texts[name]; more {
				text = before + "\n" + text
			}
			seen.texts[name] = text
		}
	}
	for _, seen := range objects {
		for name, text := range seen.texts {
			seen.texts[name] = strings.TrimRight(text, "\n") // as the shell reads it
		}
	}
	for _, line := range sections["[files]"] {
		path, f, ok := parseFile(line)
		if !ok {
			continue
		}
		if seen, name := object(path); seen != nil {
			seen.files[name] = f
		}
	}
	for _, line := range sections["[events]"] {
		path, text, _ := strings.Cut(line, ":")
		if seen, _ := object(path); seen != nil {
			seen.events += text + "\n"
		}
	}
	return objects
}

// parseFile reads a line of stat: links, blocks, size, path.
func parseFile(line string) (path string, f file, ok bool) {
	var blocks int64
	n, _ := fmt.Sscanf(line, "%d %d %d %s", &f.links, &blocks, &f.size, &path)
	f.diskBytes = blocks * 512
	return path, f, n == 4
}

// processes are what is known of the host's processes: the boot, the machine,
// and of each pid of interest its state and start time.
type processes struct {
	boot, machine string
	stats         map[string][2]string
}

func parseProcesses(lines []string) processes {
	procs := processes{stats: map[string][2]string{}}
	for i, line := range lines {
		if i == 0 {
			procs.boot, procs.machine, _ = strings.Cut(line, " ")
			continue
		}
		pid, _, _ := strings.Cut(line, " (")
		// The name between the parentheses may have any character.
		if fields := strings.Fields(line[strings.LastIndex(line, ")")+1:]); len(fields) > 19 {
			procs.stats[pid] = [2]string{fields[0], fields[19]} // state and starttime, proc(5)
		}
	}
	return procs
}

// parsePorts reads the claims, a line of a star and names that is missing with
// the layout, and the listening sockets.
func parsePorts(lines []string) (taken map[int]bool, bare bool) {
	taken = map[int]bool{}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "*") {
		return taken, true
	}
	for _, name := range strings.Fields(lines[0]) {
		if port, err := strconv.Atoi(name); err == nil {
			taken[port] = true
		}
	}
	maps.Copy(taken, parseListening(lines))
	return taken, false
}

// parseListening reads the TCP ports that somebody listens on, a hexadecimal
// port a line.
func parseListening(lines []string) map[int]bool {
	listening := map[int]bool{}
	for _, name := range lines {
		if port, err := strconv.ParseUint(name, 16, 16); err == nil {
			listening[int(port)] = true
		}
	}
	return listening
}

func readSnapshot(dir string, ref Ref, seen *evidence) *Snapshot {
	snap := &Snapshot{raw: seen.texts["snapshot.json"]}
	err := json.Unmarshal([]byte(snap.raw), snap)
	switch {
	case err != nil:
	case snap.Instance.Kind != Instances:
		err = errors.New("it does not say of which instance it is")
	case snap.InstanceUID != "" && !uidPattern.MatchString(snap.InstanceUID):
		err = fmt.Errorf("%q is no uid", snap.InstanceUID)
	case snap.Kind != lifecycle.Standby && snap.Kind != lifecycle.Stopped:
		err = fmt.Errorf("its kind is %q", snap.Kind)
	}
	if err == nil {
		err = errors.Join(checkObject(snap.UID, snap.Machine, snap.Forwards), checkSeed(snap.SeedDigest))
	}
	if err != nil {
		snap.disbelieve()
	}
	snap.Name, snap.Unkept = ref.Name, seen.isUnkept()
	snap.saved = machineOfCheckpoint(seen, snap.Machine).NICs
	for name, f := range seen.files {
		if name != "maker" {
			snap.SizeBytes += f.diskBytes
		}
	}
	snap.Problem, snap.Rescue = inspection{dir, ref, seen, snap.Machine}.ofSnapshot(err, snap.Kind)
	return snap
}

// readImage derives an image from what was seen of it. Metadata that does not
// say what it is is believed nothing but the uid.
func readImage(dir string, ref Ref, seen *evidence) *Image {
	image := &Image{raw: seen.texts["image.json"]}
	err := json.Unmarshal([]byte(image.raw), image)
	if err == nil {
		err = checkImage(image)
	}
	if err != nil {
		image = &Image{UID: believed(image.UID), Unreadable: true}
	}
	image.Name, image.Unkept = ref.Name, seen.isUnkept()
	image.Problem, image.Rescue = inspection{dataDir: dir, ref: ref, seen: seen}.ofImage(err, image)
	return image
}
