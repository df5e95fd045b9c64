package host_test

import (
	"path"
	"slices"
	"strings"
)

// What is not there to outlast a loss of power: names under which things are
// prepared, or kept until they are replaced, the lock, in whose text nothing but
// a name for people is, and what is of a process, as are the leases of a dnsmasq:
// without power there are no guests any more that have them.
func passing(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".tmp-") || strings.HasSuffix(base, ".tmp") || strings.HasSuffix(base, ".was") || base == "lock" || base == "run" || base == "leases"
}

func belowPassing(root, name string) bool {
	for ; name != root; name = path.Dir(name) {
		if passing(name) {
			return true
		}
	}
	return false
}

func (f *stableFile) unsynced() bool {
	return f.entries == nil && (f.written > f.synced || len(f.mapped) > 0)
}

// renamed applies a rename. To a name that counts it is a commit, before which
// all that it commits must be on the disk.
func (m *stableModel) renamed(from, to string, line int) {
	file, _ := m.find(from)
	if file == nil {
		return
	}
	if _, inside := m.find(to); inside && !belowPassing(m.root, to) {
		m.committed(from, to, file, line)
	}
	m.set(from, nil, line)
	m.set(to, file, line)
}

func (m *stableModel) committed(from, to string, file *stableFile, line int) {
	m.eachFile(file, from, func(name string, part *stableFile) {
		if name != from && belowPassing(from, name) {
			return
		}
		if part.unsynced() {
			m.violate(line, "%s becomes %s before what was written to %s is on the disk", from, to, name)
		}
		for entry, changed := range part.changed {
			if changed > part.synced && !passing(entry) {
				m.violate(line, "%s becomes %s before the name %s/%s is on the disk", from, to, name, entry)
			}
		}
	})
	object := path.Dir(to)
	switch path.Base(to) {
	case "instance.json": // names layers and boot files
		for _, part := range []string{"disk", "boot"} {
			m.durableNames(object, part, line)
		}
	case "volume.json": // names layers
		m.durableNames(object, "disk", line)
	case "checkpoint": // goes with what the disk is at its instant
		if disk, _ := m.find(object + "/disk"); disk != nil {
			m.eachFile(disk, object+"/disk", func(name string, layer *stableFile) {
				if layer.unsynced() {
					m.violate(line, "%s is there before what was written to %s is on the disk", to, name)
				}
			})
			m.durableNames(object, "disk", line)
		}
	}
}

// durableNames wants all files in a part of an object to be on the disk once,
// with their names. What a guest has since written is its own affair.
func (m *stableModel) durableNames(object, part string, line int) {
	dir, _ := m.find(object + "/" + part)
	if dir == nil {
		return
	}
	for entry, file := range dir.entries {
		if passing(entry) {
			continue
		}
		if dir.changed[entry] > dir.synced {
			m.violate(line, "metadata of %s is there before the name %s/%s is on the disk", object, part, entry)
		}
		if file.written > 0 && file.synced == 0 {
			m.violate(line, "metadata of %s is there before what was written to %s/%s is on the disk", object, part, entry)
		}
	}
}

// removed applies an unlink. That of rollback/instance.json commits: a rollback
// that was seen again later would take back all that has happened since.
func (m *stableModel) removed(name string, line int) {
	if dir, _ := m.find(name); dir != nil && path.Base(name) == "rollback" && dir.changed["instance.json"] > dir.synced {
		m.violate(line, "%s goes before it is on the disk that its instance.json went", name)
	}
	m.set(name, nil, line)
}

// acknowledged is the end of a verb that has succeeded: what it has made is to
// outlast a loss of power, and what it has removed is not to come back.
func (m *stableModel) acknowledged() {
	m.eachFile(m.top, m.root, func(name string, file *stableFile) {
		if belowPassing(m.root, name) {
			return
		}
		// What the guest of a live process writes to the top layer, that nobody else
		// has, it syncs when it wants to.
		if live := len(file.writers) > 0 && file.links == 1; file.unsynced() && !live {
			m.violate(file.written, "at the end what was written to %s is not on the disk", name)
		}
		for entry, changed := range file.changed {
			_, there := file.entries[entry]
			if changed <= file.synced || passing(entry) || !there && m.unnamed(name, entry) {
				continue
			}
			if there {
				m.violate(changed, "at the end the name %s/%s is not on the disk", name, entry)
			} else {
				m.violate(changed, "at the end it is not on the disk that %s/%s went", name, entry)
			}
		}
	})
}

// unnamed reports whether a file that was removed may come back: layers and boot
// files that no metadata names do no harm, and go with their object; so does an
// empty directory, or a rollback that is finished, which the next lock removes.
func (m *stableModel) unnamed(dir, entry string) bool {
	return slices.Contains([]string{"disk", "boot"}, path.Base(dir)) || slices.Contains([]string{"disk", "boot", "rollback"}, entry)
}

// forget takes all as synced, so that what follows is judged by itself.
func (m *stableModel) forget() {
	m.violations = nil
	m.eachFile(m.top, m.root, func(_ string, file *stableFile) {
		file.synced = 1 << 40
		file.written, file.synced = 0, 1
		clear(file.changed)
	})
}
