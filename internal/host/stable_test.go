package host_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A stableModel is a data directory as it is after a trace, and what of it a
// loss of power would leave: contents, if they were synced after they were last
// written, and names, if their directory was synced after they were last changed.
type stableModel struct {
	root       string
	top        *stableFile
	cwds       map[int]string // of threads
	gone       map[int]bool   // threads that have ended
	violations []string
}

// A stableFile is a file or a directory. Lines are those of the trace.
type stableFile struct {
	entries map[string]*stableFile // of a directory
	changed map[string]int         // when a name was last added or removed
	links   int
	written int          // when it was last written to
	synced  int          // what was written before is on the disk
	writers map[int]bool // threads that opened or mapped it to write to it
	mapped  map[int]bool // threads that write to it without a call
}

func newStableModel(root string) *stableModel {
	return &stableModel{root: root, top: newStableDir(), cwds: map[int]string{}, gone: map[int]bool{}}
}

func newStableDir() *stableFile {
	return &stableFile{entries: map[string]*stableFile{}, changed: map[string]int{}}
}

// find returns the file that has a path, and whether the path is below the root.
func (m *stableModel) find(name string) (*stableFile, bool) {
	if name != m.root && !strings.HasPrefix(name, m.root+"/") {
		return nil, false
	}
	at := m.top
	for _, part := range strings.FieldsFunc(name[len(m.root):], func(r rune) bool { return r == '/' }) {
		if at == nil || at.entries == nil {
			return nil, true
		}
		at = at.entries[part]
	}
	return at, true
}

// set gives a file a name, or with nil takes the name away.
func (m *stableModel) set(name string, file *stableFile, line int) {
	dir, ok := m.find(path.Dir(name))
	if !ok || dir == nil || name == m.root {
		return
	}
	base := path.Base(name)
	if old := dir.entries[base]; old != nil {
		old.links--
	}
	dir.changed[base] = line
	if file == nil {
		delete(dir.entries, base)
		return
	}
	file.links++
	dir.entries[base] = file
}

// begin is told of a call that is not over: what it writes may be on the disk
// any time from now on.
func (m *stableModel) begin(c traceCall) { m.write(c) }

// end applies a call.
func (m *stableModel) end(c traceCall) {
	if c.name == "exit" {
		m.exit(c)
		return
	}
	cwd := m.cwds[c.thread]
	names, descriptors := c.paths(&cwd)
	m.cwds[c.thread] = cwd
	if strings.HasPrefix(c.result, "-") {
		return
	}
	line := c.end
	switch name := strings.TrimSuffix(strings.TrimSuffix(c.name, "2"), "at"); name {
	case "io_uring_enter", "io_submit", "cre":
		m.violate(line, "%s writes what this trace does not show", c.name)
	case "chdir":
		m.cwds[c.thread] = names[0]
	case "fchdir":
		m.cwds[c.thread] = descriptors[0]
	case "open":
		m.open(c, names[len(names)-1])
	case "mkdir":
		m.set(names[0], newStableDir(), line)
	case "mknod":
		m.set(names[0], &stableFile{}, line)
	case "symlink":
		m.set(names[1], &stableFile{}, line)
	case "unlink", "rmdir":
		m.removed(names[0], line)
	case "link":
		if file, _ := m.find(names[0]); file != nil {
			m.set(names[1], file, line)
		}
	case "rename":
		m.renamed(names[0], names[1], line)
	case "sync", "syncfs":
		m.eachFile(m.top, m.root, func(_ string, file *stableFile) { file.synced = c.begun })
	case "fsync", "fdatasync":
		if file, _ := m.find(descriptors[0]); file != nil && len(file.mapped) == 0 {
			file.synced = max(file.synced, c.begun)
		}
	default:
		m.write(c)
	}
}

func (m *stableModel) open(c traceCall, name string) {
	file, ok := m.find(name)
	if !ok {
		return
	}
	if file == nil {
		if !strings.Contains(c.args, "O_CREAT") {
			return
		}
		file = &stableFile{written: c.end}
		m.set(name, file, c.end)
	}
	if strings.Contains(c.args, "O_TRUNC") {
		file.written = c.end
	}
	if strings.Contains(c.args, "O_WRONLY") || strings.Contains(c.args, "O_RDWR") {
		file.add(&file.writers, c.thread)
	}
}

// write marks what a call writes to.
func (m *stableModel) write(c traceCall) {
	shared := strings.Contains(c.args, "MAP_SHARED") && strings.Contains(c.args, "PROT_WRITE")
	switch {
	case c.name == "mmap" && !shared, strings.HasPrefix(c.name, "open"), strings.HasSuffix(c.name, "sync"):
		return
	}
	cwd := m.cwds[c.thread]
	names, descriptors := c.paths(&cwd)
	switch c.name {
	case "truncate":
		descriptors = names
	case "copy_file_range", "splice": // the other is read
		descriptors = descriptors[max(0, len(descriptors)-1):]
	case "sendfile", "sendfile64":
		descriptors = descriptors[:min(1, len(descriptors))]
	}
	for _, name := range descriptors {
		file, _ := m.find(name)
		if file == nil || file.entries != nil {
			continue
		}
		if file.written = c.end; c.name == "mmap" {
			file.add(&file.writers, c.thread)
			file.add(&file.mapped, c.thread)
		}
	}
}

func (f *stableFile) add(set *map[int]bool, thread int) {
	if *set == nil {
		*set = map[int]bool{}
	}
	(*set)[thread] = true
}

// exit is the end of a thread: what it had mapped it has written to till then.
func (m *stableModel) exit(c traceCall) {
	m.gone[c.thread] = true
	delete(m.cwds, c.thread)
	m.eachFile(m.top, m.root, func(_ string, file *stableFile) {
		delete(file.writers, c.thread)
		if file.mapped[c.thread] {
			delete(file.mapped, c.thread)
			file.written = c.end
		}
	})
}

// eachFile visits a file and all that is below it, by name.
func (m *stableModel) eachFile(file *stableFile, name string, do func(name string, file *stableFile)) {
	do(name, file)
	for _, entry := range slices.Sorted(maps.Keys(file.entries)) {
		m.eachFile(file.entries[entry], path.Join(name, entry), do)
	}
}

func (m *stableModel) violate(line int, format string, values ...any) {
	m.violations = append(m.violations, fmt.Sprintf("line %d: ", line)+strings.ReplaceAll(fmt.Sprintf(format, values...), m.root+"/", ""))
}
