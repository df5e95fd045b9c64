package host

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// dir is an object's directory on the host.
func (h *Host) dir(ref Ref) string { return path.Join(h.DataDir, ref.String()) }

// metadata is the file of each kind that says what an object is.
func metadata(kind Kind) string {
	return map[Kind]string{
		Images: "image.json", Instances: "instance.json", Snapshots: "snapshot.json", Volumes: "volume.json", Networks: "network.json",
	}[kind]
}

// newLayer is a layer that nobody has.
func newLayer() qemu.Layer { return qemu.Layer{File: random(8) + ".qcow2", Format: "qcow2"} }

// imageLayer is an image as the lowest layer of a disk.
func imageLayer(image *Image) qemu.Layer {
	return qemu.Layer{File: image.SHA256[:16] + "." + image.Format, Format: image.Format}
}

// newMAC is a random address in QEMU's locally administered range.
func newMAC() string {
	s := random(3)
	return fmt.Sprintf("52:54:00:%s:%s:%s", s[0:2], s[2:4], s[4:6])
}

// random is n random bytes in hexadecimal.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// What metadata on the host says is not trusted to be ours: a uid is looked for
// in the command lines of processes, machine and forwards become options of QEMU.

// uidPattern is what a uid matches.
var uidPattern = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

func checkUID(uid string) error {
	switch {
	case uid == "":
		return errors.New("it has no uid")
	case !uidPattern.MatchString(uid):
		return fmt.Errorf("%q is no uid", uid)
	}
	return nil
}

// believed is a uid of metadata that says nothing else, if it is one.
func believed(uid string) string {
	if checkUID(uid) != nil {
		return ""
	}
	return uid
}

// disbelieve leaves of metadata that does not say what an object is nothing that
// a verb could act on.
func (r *Record) disbelieve() {
	r.UID, r.Machine, r.Forwards, r.SeedDigest = believed(r.UID), qemu.Machine{}, nil, ""
	r.Image, r.ForkOf, r.KernelImage, r.InitrdImage, r.RestoredFrom = Ref{}, Ref{}, Ref{}, Ref{}, Ref{}
}

func (s *Snapshot) disbelieve() {
	s.UID, s.Machine, s.Forwards, s.Unreadable = believed(s.UID), qemu.Machine{}, nil, true
	s.Instance, s.KernelImage, s.InitrdImage, s.SeedDigest = Ref{}, Ref{}, Ref{}, ""
}

// checkObject refuses a uid, a machine or forwards that could not have come from
// this provider.
func checkObject(uid string, m qemu.Machine, forwards map[string]map[string]qemu.Forward) error {
	if err := checkUID(uid); err != nil {
		return err
	}
	if err := m.Check(); err != nil {
		return err
	}
	for _, of := range forwards {
		for _, forward := range of {
			if err := forward.Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkSeed refuses the digest of a seed that is none.
func checkSeed(digest string) error {
	if digest != "" && !sumPattern.MatchString(digest) {
		return fmt.Errorf("%q is no digest of a seed", digest)
	}
	return nil
}

// sumPattern is what a SHA-256 matches: an image's, of which its layer is named,
// and a seed's.
var sumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// checkImage refuses metadata that does not say what an image is.
func checkImage(image *Image) error {
	if err := checkUID(image.UID); err != nil {
		return err
	}
	switch {
	case !sumPattern.MatchString(image.SHA256):
		return fmt.Errorf("%q is no sha256", image.SHA256)
	case image.Format != "qcow2" && image.Format != "raw":
		return fmt.Errorf("%q is no format", image.Format)
	}
	return nil
}

// compact is v as JSON on one line.
func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types always marshal
	}
	return string(text)
}

// layerFiles are the names of the layers of the disks that belong to a machine,
// each once, the top of the first disk first.
func layerFiles(m qemu.Machine) []string {
	var all []string
	for _, stack := range m.Stacks() {
		all = append(all, without(files(stack.Disk), all)...)
	}
	return all
}
