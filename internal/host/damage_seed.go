package host

import (
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// lostSeed says what is wrong with the file of a cloud-init seed, without which
// QEMU does not start.
func (i inspection) lostSeed() (problem, rescue string) {
	seed := i.machine.Seed
	file, there := i.seen.files["boot/seed.iso"]
	switch {
	case seed == nil, there && file.size == seed.SizeBytes:
		return "", ""
	case there:
		problem = fmt.Sprintf("its cloud-init seed has %d bytes instead of %d", file.size, seed.SizeBytes)
	default:
		problem = "its cloud-init seed, boot/seed.iso, is missing"
	}
	path := i.path("boot", "seed.iso")
	return problem, fmt.Sprintf("Its disk is intact, and forks and snapshots that share the seed have a link to it: find %s -name seed.iso, and ln FOUND %s. "+
		"A guest that has booted before does without: rm -f %[2]s && truncate -s %d %[2]s puts an empty one there", ssh.Quote(i.dataDir), path, seed.SizeBytes)
}
