package host

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// A Seed is the small image from which cloud-init learns what its guest is to
// be. It may hold secrets: it travels in a script, as builtins of its shell have
// it, and is in no process's arguments; on the host none but the login reads it.
type Seed struct {
	Digest string // of what it was made from, 64 hexadecimal digits; "": no seed
	Image  []byte // the zeros at its end are not sent
}

// args are what scripts are told of a seed: it in base64 and its size in bytes;
// nothing of nil, which is none or the present one, and "-" if there is to be none.
func (s *Seed) args() []string {
	switch {
	case s == nil:
		return []string{"", ""}
	case s.Digest == "":
		return []string{"-", ""}
	}
	return []string{base64.StdEncoding.EncodeToString(bytes.TrimRight(s.Image, "\x00")), fmt.Sprint(len(s.Image))}
}

// machine is the seed as a guest sees it.
func (s *Seed) machine() *qemu.Seed {
	if s.Digest == "" {
		return nil
	}
	return &qemu.Seed{SizeBytes: int64(len(s.Image))}
}

// fits returns an error where a guest that goes on from its memory would find
// another disk than it knows: a seed comes and goes, and changes its size, with
// a boot only.
func (s *Seed) fits(c call, m qemu.Machine) error {
	switch wanted, has := s.machine(), m.Seed; {
	case wanted == nil && has != nil:
		return c.invalid("its memory is of a machine with a cloud-init seed, and it is to have none")
	case wanted != nil && has == nil:
		return c.invalid("its memory is of a machine without a cloud-init seed, and it is to have one")
	case wanted != nil && *wanted != *has:
		return c.invalid("its memory is of a machine whose cloud-init seed has %d bytes, and this one has %d", has.SizeBytes, wanted.SizeBytes)
	}
	return nil
}

// longestSeed bounds what is read of a seed that is not ours.
const longestSeed = 4 << 20

// Seed reads an instance's seed. One round trip, of two thirds of a megabyte.
func (h *Host) Seed(ctx context.Context, inst *Instance) ([]byte, error) {
	c := h.call("read the seed of", Instances, inst.Name)
	if inst.Machine.Seed == nil {
		return nil, c.invalid("it has none")
	}
	out, err := c.read(ctx, seedScript, h.DataDir, c.object.String(), fmt.Sprint(min(inst.Machine.Seed.SizeBytes, longestSeed)))
	if err != nil {
		return nil, err
	}
	image, err := base64.StdEncoding.DecodeString(strings.TrimSpace(out))
	if err != nil {
		return nil, c.fail(ErrFailed, "what the host sent is no base64", "")
	}
	return image, nil
}
