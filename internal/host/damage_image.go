package host

import (
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// ofImage looks at an image, of whose metadata err is what is wrong. Its content
// is one file, to which whatever was made from it has a link: who removes the
// file or puts another in its place takes nothing from them, who writes to it
// does.
func (i inspection) ofImage(err error, image *Image) (problem, rescue string) {
	const others = "Instances and snapshots that were made from it have links of their own to what it had, and live on. "
	if err != nil {
		return "its metadata cannot be read: " + err.Error(), others +
			"Mend " + i.path(metadata(Images)) + ", or remove the image on the host (rm -r " + i.path() + "), and an apply makes it anew"
	}
	data, there := i.seen.files["data"]
	if there && data.size == image.SizeBytes {
		return "", ""
	}
	problem = "its data is missing"
	if there {
		problem = fmt.Sprintf("its data has %d bytes instead of %d", data.size, image.SizeBytes)
	}
	if data.links > 1 {
		return problem, fmt.Sprintf("Whatever else has a link to this very file shares the damage: find %s -samefile %s shows it",
			ssh.Quote(i.dataDir), i.path("data"))
	}
	return problem, others + fmt.Sprintf("A disk that was made from it has the content as its layer %[1]s: find it (find %[2]s -name %[1]s) and link it (ln -f) to %[3]s, and the image is whole again",
		imageLayer(image).File, ssh.Quote(i.dataDir), i.path("data"))
}
