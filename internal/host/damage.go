package host

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// An inspection looks for what is missing of an object's files. It tells what
// is wrong and what is intact, for a person to decide: nothing is mended by
// giving something up. Contents are not read: that they were overwritten is not
// seen.
type inspection struct {
	dataDir string
	ref     Ref
	seen    *evidence
	machine qemu.Machine
}

// unreadable is the problem of an object whose metadata says nothing.
func (i inspection) unreadable(err error) (problem, rescue string) {
	file := i.path(metadata(i.ref.Kind))
	return "its metadata cannot be read: " + err.Error(),
		"Its disk and its checkpoint are as they were. Mend " + file + "; that of its forks and snapshots shows what it looks like"
}

func (i inspection) ofSnapshot(err error, kind lifecycle.State) (problem, rescue string) {
	if err != nil {
		return i.unreadable(err)
	}
	layers, memory := i.missingLayers(), ""
	if kind == lifecycle.Standby {
		memory = i.memoryProblem()
	}
	firmware, mend := i.firmwareProblem(kind)
	switch {
	case len(layers) > 0:
		rescue = i.findLayers(layers)
	case firmware != "":
		rescue = mend
	case memory != "" && i.machine.Disk != nil:
		rescue = "Its disk is intact: qemu-img convert -O qcow2 " + i.path("disk", layerFiles(i.machine)[0]) + " FILE copies it, to become an image"
	}
	seed, reseed := i.lostSeed()
	return join(missing(layers), firmware, memory, seed), cmp.Or(rescue, reseed)
}

// ofInstance looks at a record that could be read, and at a checkpoint if there
// is one.
func (i inspection) ofInstance(record Record, state lifecycle.State) (problem, rescue string) {
	layers := i.missingLayers()
	firmware, mend := i.firmwareProblem(state)
	seed, reseed := i.lostSeed()
	if state.HasProcess() {
		if len(layers) > 0 {
			mend = "Its process still has them open, and nothing is lost while it runs: save the guest's data from inside before it ends"
		}
		return join(missing(layers), firmware, seed), cmp.Or(mend, reseed)
	}
	memory := ""
	if state == lifecycle.Standby {
		memory = i.memoryProblem()
	}
	newer := i.layerSince(record)
	switch {
	case len(layers) > 0:
		rescue = i.findLayers(layers)
	case firmware != "":
		rescue = mend
	case memory != "" && i.machine.Disk != nil:
		rescue = "Its disk is intact. To give up what it had in memory and boot from its disk: rm -r " + i.path("checkpoint") + " on the host, then apply"
	case memory != "":
		rescue = "To give up what it had in memory and boot it anew: rm -r " + i.path("checkpoint") + " on the host, then apply"
	case newer != "":
		memory = "it has run since its checkpoint was taken, and wrote to its disk in layer " + newer + ", of which the checkpoint does not know"
		rescue = "To boot from its disk as it is now: rm -r " + i.path("checkpoint") + " on the host, then apply. " +
			"To go back to the checkpoint instead: rm " + i.path("disk", newer)
	}
	return join(missing(layers), firmware, memory, seed), cmp.Or(rescue, reseed)
}

func (i inspection) missingLayers() []string {
	var lost []string
	for _, layer := range layerFiles(i.machine) {
		if _, ok := i.seen.files["disk/"+layer]; !ok {
			lost = append(lost, layer)
		}
	}
	for _, disk := range i.machine.Disks { // those of the volumes
		for _, layer := range without(files(disk.Disk), layerFiles(i.machine)) {
			if _, ok := i.seen.files["disk/"+layer]; !ok {
				lost = append(lost, layer)
			}
		}
	}
	return lost
}

// memoryProblem says what is wrong with the checkpoint.
func (i inspection) memoryProblem() string {
	var lost []string
	for _, part := range checkpointParts {
		if i.seen.files["checkpoint/"+part].size == 0 {
			lost = append(lost, part)
		}
	}
	if len(lost) > 0 {
		return "its checkpoint has no " + strings.Join(lost, ", ")
	}
	var m qemu.Machine
	if err := json.Unmarshal([]byte(i.seen.texts["checkpoint/machine.json"]), &m); i.ref.Kind == Instances && err != nil {
		return "its checkpoint's machine.json cannot be read: " + err.Error()
	}
	if size := i.seen.files["checkpoint/memory"].size; size != int64(i.machine.MemoryMiB)<<20 {
		return fmt.Sprintf("its memory image has %d bytes instead of %d MiB", size, i.machine.MemoryMiB)
	}
	return ""
}

var checkpointParts = []string{"memory", "device-state", "machine.json"}

// emptyLayer is more than the size of a qcow2 file in which nothing was written
// yet (three clusters and a short table), and less than of any other.
const emptyLayer = 4 << 16

// layerSince is the layer above those of the checkpoint, if the guest has
// written to it: somebody started the instance and left the checkpoint, or the
// host went down just after the start.
func (i inspection) layerSince(record Record) string {
	if _, void := i.seen.files["run/replacing"]; void { // it was not complete yet
		return ""
	}
	frozen := layerFiles(i.machine)
	for _, stack := range record.Machine.Stacks() {
		if top := stack.Layers[0].File; !slices.Contains(frozen, top) && i.seen.files["disk/"+top].size >= emptyLayer {
			return top
		}
	}
	return ""
}

func missing(layers []string) string {
	switch len(layers) {
	case 0:
		return ""
	case 1:
		return "its disk layer " + layers[0] + " is missing"
	}
	return "its disk layers " + strings.Join(layers, ", ") + " are missing"
}

// findLayers says where a layer may still be: whoever shares it has a link of
// the same name.
func (i inspection) findLayers(layers []string) string {
	return fmt.Sprintf("Whatever shares a layer has it under the same name, and an image as its data: find %s -name %s, and link what is found (ln) into %s",
		ssh.Quote(i.dataDir), layers[0], i.path("disk"))
}

// path is a path of the object as one types it.
func (i inspection) path(parts ...string) string {
	return ssh.Quote(path.Join(append([]string{i.dataDir, i.ref.String()}, parts...)...))
}

func join(problems ...string) string {
	var found []string
	for _, problem := range problems {
		if problem != "" {
			found = append(found, problem)
		}
	}
	return strings.Join(found, "; ")
}
