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
	return map[Kind]string{Images: "image.json", Instances: "instance.json", Snapshots: "snapshot.json"}[kind]
}

// layerPattern is what a layer's file name matches: metadata on the host is not
// trusted to name files.
var layerPattern = regexp.MustCompile(`^[0-9a-f]{16}\.(qcow2|raw)$`)

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

// checkMachine refuses a definition, read from the host, that could not have
// come from this provider.
func checkMachine(m qemu.Machine) error {
	switch {
	case m.VCPUs < 1 || m.MemoryMiB < 1 || m.Type == "" || m.CPU == "":
		return fmt.Errorf("its machine definition is incomplete")
	case m.Accelerator != "kvm" && m.Accelerator != "tcg":
		return fmt.Errorf("its accelerator is %q", m.Accelerator)
	case m.Disk != nil && len(m.Disk.Layers) == 0:
		return fmt.Errorf("its disk has no layers")
	case m.Disk != nil:
		for _, layer := range m.Disk.Layers {
			if !layerPattern.MatchString(layer.File) || path.Ext(layer.File) != "."+layer.Format {
				return fmt.Errorf("%q is not a disk layer", layer.File)
			}
		}
	}
	return nil
}

// sumPattern is what an image's SHA-256 matches, of which its layer is named.
var sumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// checkImage refuses metadata that does not say what an image is.
func checkImage(image *Image) error {
	switch {
	case image.UID == "":
		return errors.New("it has no uid")
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

// layerFiles are the names of a machine's disk layers, the top first.
func layerFiles(m qemu.Machine) []string {
	if m.Disk == nil {
		return nil
	}
	var files []string
	for _, layer := range m.Disk.Layers {
		files = append(files, layer.File)
	}
	return files
}
