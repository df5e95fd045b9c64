package host

import (
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// firmwareProblem says what is wrong with the files of UEFI firmware, of which
// QEMU wants the very size, and how to go on from that in the state.
func (i inspection) firmwareProblem(state lifecycle.State) (problem, mend string) {
	uefi := i.machine.Firmware
	if uefi == nil {
		return "", ""
	}
	code := i.wrongSize("its firmware", "boot/firmware", uefi.CodeBytes)
	variables := i.wrongSize("the file of its firmware's variables", "boot/variables", uefi.VariablesBytes)
	switch {
	case code != "":
		mend = fmt.Sprintf("Its forks, its snapshots and what it was forked from share the file: link the boot/firmware of one of them, of %d bytes, to %s (ln)", uefi.CodeBytes, i.path("boot/firmware"))
	case variables != "" && state == lifecycle.Stopped:
		mend = fmt.Sprintf("To give it the variables of a new guest, copy those of the host's package, of %d bytes, such as /usr/share/OVMF/OVMF_VARS_4M.fd, to %s", uefi.VariablesBytes, i.path("boot/variables"))
	case variables != "":
		mend = fmt.Sprintf("The variables are in its memory, too, and it writes them when it goes on, if there is a file of their size: rm -f %[2]s; truncate -s %[1]d %[2]s", uefi.VariablesBytes, i.path("boot/variables"))
	}
	return join(code, variables), mend
}

// wrongSize says that a file is missing or has another size than it should; ""
// when it has that.
func (i inspection) wrongSize(what, name string, want int64) string {
	switch found, there := i.seen.files[name]; {
	case !there:
		return what + " is missing"
	case found.size != want:
		return fmt.Sprintf("%s has %d bytes instead of %d", what, found.size, want)
	}
	return ""
}
