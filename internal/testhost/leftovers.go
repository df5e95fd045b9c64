package testhost

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// objectDirs are the directories of the data directory that may stay when all
// objects are gone.
var objectDirs = []string{"images", "instances", "networks", "ports", "snapshots", "volumes"}

// Leftovers names what is on the host that a user of it should have removed when
// done: processes that use the data directory, with the ports they listen on,
// and whatever is in the data directory apart from its empty parts.
func (h *Host) Leftovers() []string {
	var found []string
	for _, p := range h.processes() {
		description := p.String()
		if ports := listeningPorts(p.pid); len(ports) > 0 {
			description += " listening on " + strings.Join(ports, ", ")
		}
		found = append(found, description)
	}
	return append(found, h.objects()...)
}

func (h *Host) objects() []string {
	var found []string
	for _, name := range listDir(h.DataDir) {
		if !slices.Contains(objectDirs, name) {
			found = append(found, describeFile(h.DataDir, name))
			continue
		}
		for _, object := range listDir(filepath.Join(h.DataDir, name)) {
			found = append(found, describeFile(h.DataDir, filepath.Join(name, object)))
		}
	}
	return found
}

// describeFile names a file, or a directory with the files in it, by the path
// below root.
func describeFile(root, name string) string {
	var files []string
	top := filepath.Join(root, name)
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && path != top {
			files = append(files, strings.TrimPrefix(path, top+"/"))
		}
		return nil // what vanishes meanwhile is no leftover
	})
	if len(files) == 0 {
		return name
	}
	return fmt.Sprintf("%s with %s", name, strings.Join(files, ", "))
}

func listDir(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return []string{err.Error()}
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
