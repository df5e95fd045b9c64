package host

import (
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

func (i inspection) ofVolume(err error, volume *Volume) (problem, rescue string) {
	if err != nil {
		problem, _ = i.unreadable(err)
		return problem, "Its layers are as they were. Mend " + i.path(metadata(Volumes)) + "; what an instance has of it as one of its disks shows what it looks like"
	}
	var lost []string
	for _, layer := range volume.Layers {
		if _, there := i.seen.files["disk/"+layer.File]; !there {
			lost = append(lost, layer.File)
		}
	}
	if len(lost) == 0 {
		return "", ""
	}
	return missing(lost), fmt.Sprintf("Whoever else has a layer has it under the same name, and an image as its data: find %s -name %s, and link what is found (ln) into %s",
		ssh.Quote(i.dataDir), lost[0], i.path("disk"))
}
