package host

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A Kind is a kind of object, and the directory that holds them.
type Kind string

const (
	Images    Kind = "images"
	Instances Kind = "instances"
	Snapshots Kind = "snapshots"
	Volumes   Kind = "volumes"
	Networks  Kind = "networks"
)

const hosts Kind = "hosts" // of what is about a host as a whole

// A Ref names an object on a host: "snapshots/golden" in text.
type Ref struct {
	Kind Kind
	Name string
}

func (r Ref) String() string {
	if r == (Ref{}) {
		return ""
	}
	return string(r.Kind) + "/" + r.Name
}

// object is a Ref as a person says it: "snapshot golden".
func (r Ref) object() string { return strings.TrimSuffix(string(r.Kind), "s") + " " + r.Name }

// MarshalText and UnmarshalText put a Ref into an object's metadata, and take
// from it none that could be another path than that of an object.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r *Ref) UnmarshalText(text []byte) error {
	kind, name, _ := strings.Cut(string(text), "/")
	known := slices.Contains([]Kind{Images, Instances, Snapshots, Volumes, Networks}, Kind(kind)) && NamePattern.MatchString(name)
	if !known && len(text) > 0 {
		return fmt.Errorf("%q names no object", text)
	}
	*r = Ref{Kind(kind), name}
	return nil
}

// NamePattern is what every name of an object matches: it is a directory on the
// host, a part of an id, and of no file that the host itself makes. Hosts, which
// are a part of every id, too, are named by the same rule.
var NamePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// A Record is an instance's instance.json: what was asked for, and what was
// chosen for good when it was made. Keys of other tools are ignored, and kept.
type Record struct {
	Name               string                             `json:"name"`
	UID                string                             `json:"uid"` // tells it from another of the same name
	CreatedAt          time.Time                          `json:"created_at"`
	Image              Ref                                `json:"image,omitzero"`
	ForkOf             Ref                                `json:"fork_of,omitzero"`
	KernelImage        Ref                                `json:"kernel_image,omitzero"`
	InitrdImage        Ref                                `json:"initrd_image,omitzero"`
	SeedDigest         string                             `json:"seed_digest,omitempty"` // tells seeds of cloud-init apart; what is in them is not noted
	DiskGiB            int                                `json:"disk_gib,omitempty"`    // as asked for; 0: the image's or source's size
	Labels             map[string]string                  `json:"labels,omitempty"`
	DeletionProtection bool                               `json:"deletion_protection,omitempty"`
	Settings           json.RawMessage                    `json:"settings,omitempty"`     // its owner's notes, kept for them and not looked into
	RestoredFrom       Ref                                `json:"restored_from,omitzero"` // the snapshot that it was last rolled back to
	Renewal            *Renewal                           `json:"renewal,omitempty"`      // of a fork whose guest has not been told yet
	Machine            qemu.Machine                       `json:"machine"`
	Forwards           map[string]map[string]qemu.Forward `json:"forwards,omitempty"` // by interface and forward key

	others map[string]json.RawMessage // keys that are none of the above
}

// An Instance is a virtual machine as it was found on the host.
type Instance struct {
	Record
	State   lifecycle.State
	Ended   string // why its process is gone, when that is known: what QEMU said, "guest-shutdown", …, or HostRestarted
	Failed  string // why a write to its disk failed, for which QEMU has paused its guest; "" if it has not
	Unclear string // why its process cannot be judged; "" if it can
	Problem string // what is wrong with its files; "" if nothing is
	Rescue  string // what of them is intact and how to go on from it, in sentences

	// Unreadable says that its metadata does not tell what it is: of its Record
	// the name counts, and the UID if there is one.
	Unreadable bool

	Unkept bool // whoever had it made has not said yet that they know of it
	Asleep bool // it goes on from a checkpoint, and its guest has not been told the time since

	// Lost are the forwards that its metadata has and its running QEMU has not:
	// somebody has removed them.
	Lost map[string]map[string]qemu.Forward

	Strays    []string // keys of disks whose volumes are not there any more; the instance has what they had
	Unplugged []string // keys of disks that its running QEMU has not any more: somebody has taken them from it

	raw     string     // instance.json to the letter: what a change is conditional on
	saved   []qemu.NIC // those of its checkpoint, if it has one
	frozen  bool       // its top layer belongs to others too, and is not written any more
	copying bool       // its guest stands still, and its memory is being copied
	halfway bool       // its rollback to a snapshot is committed and not finished
}

// Present are the forwards that there are: those of the metadata without the
// lost ones.
func (i *Instance) Present() map[string]map[string]qemu.Forward {
	present := map[string]map[string]qemu.Forward{}
	for nic, forwards := range i.Forwards {
		present[nic] = maps.Clone(forwards)
		for key := range i.Lost[nic] {
			delete(present[nic], key)
		}
	}
	return present
}

// A Snapshot is a named, immutable copy of an instance: its snapshot.json, of
// which keys of other tools are ignored, and kept.
type Snapshot struct {
	Name        string            `json:"name"`
	UID         string            `json:"uid"`
	CreatedAt   time.Time         `json:"created_at"`
	Instance    Ref               `json:"instance"`
	InstanceUID string            `json:"instance_uid"`
	Kind        lifecycle.State   `json:"kind"` // Standby with memory, Stopped without
	SizeBytes   int64             `json:"-"`    // allocated on disk, whether or not others have it too
	Labels      map[string]string `json:"labels,omitempty"`
	Settings    json.RawMessage   `json:"settings,omitempty"` // its owner's notes
	Machine     qemu.Machine      `json:"machine"`

	// What its instance was given, for its forks to take over.
	KernelImage Ref                                `json:"kernel_image,omitzero"`
	InitrdImage Ref                                `json:"initrd_image,omitzero"`
	SeedDigest  string                             `json:"seed_digest,omitempty"`
	Forwards    map[string]map[string]qemu.Forward `json:"forwards,omitempty"`

	// Pause is how long the guest stood still for it, by QEMU's clock; zero
	// unless it ran. Only the call that takes a snapshot knows it.
	Pause   time.Duration `json:"-"`
	Problem string        `json:"-"` // what is wrong with its files; "" if nothing is
	Rescue  string        `json:"-"` // what of them is intact and how to go on from it, in sentences

	// Unreadable is as an instance's: the name counts, and the UID if there is one.
	Unreadable bool `json:"-"`
	Unkept     bool `json:"-"` // whoever had it taken has not said yet that they know of it

	raw    string                     // snapshot.json to the letter
	saved  []qemu.NIC                 // those of its checkpoint, if it has one
	others map[string]json.RawMessage // keys of it that are none of the above
}

// An Image is an immutable disk or boot file: its image.json, of which keys of
// other tools are ignored, and kept.
type Image struct {
	Name             string          `json:"name"`
	UID              string          `json:"uid"`
	CreatedAt        time.Time       `json:"created_at"`
	Source           string          `json:"source"`
	Settings         json.RawMessage `json:"settings,omitempty"` // its owner's notes
	SHA256           string          `json:"sha256"`             // hex
	Format           string          `json:"format"`             // "qcow2" or "raw"
	SizeBytes        int64           `json:"size_bytes"`         // of the file
	VirtualSizeBytes int64           `json:"virtual_size_bytes"` // of the disk

	Problem    string `json:"-"` // what is wrong with its files; "" if nothing is
	Rescue     string `json:"-"` // what of them is intact and how to go on from it, in sentences
	Unreadable bool   `json:"-"` // its metadata does not tell what it is: all that is known is the name, and the UID if there is one
	Unkept     bool   `json:"-"` // whoever had it made has not said yet that they know of it

	raw    string                     // image.json to the letter
	others map[string]json.RawMessage // keys of it that are none of the above
}

// checkName returns an error unless the object's name is one.
func (c call) checkName() error {
	if NamePattern.MatchString(c.object.Name) {
		return nil
	}
	return c.invalid("a name has 1 to 63 of a-z, 0-9 and hyphen, no hyphen first or last")
}
