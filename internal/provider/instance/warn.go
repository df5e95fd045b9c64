package instance

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// warnOfState says of an instance what its attributes alone do not tell: that it
// is damaged, or why it is not what Terraform last saw. It is a warning and no
// error, so that the rest of a configuration can still be planned and applied;
// the difference in state is what the plan shows of it.
func warnOfState(diags *diag.Diagnostics, m *model, inst *host.Instance) {
	warn := func(at path.Path, summary, detail string) {
		diags.AddAttributeWarning(at, summary, detail+"\n\nHost: "+m.Host.ValueString())
	}
	object, state := m.id().Object(), path.Root("state")
	was := lifecycle.State(m.State.ValueString())
	switch {
	case inst.Problem != "":
		warn(state, "The "+object+" is damaged", report.Sentence(inst.Problem)+
			"\n\nNo apply will change or mend it, but one that deletes or replaces it destroys what is left"+unlessNobodys(inst)+". "+report.Sentence(inst.Rescue))
	case inst.State == lifecycle.Unknown:
		warn(state, "What the "+object+" is cannot be told", report.Sentence(inst.Unclear)+" Until then no apply will change it.")
	case inst.State == lifecycle.Panicked:
		warn(state, "The guest of "+object+" has panicked",
			"It stands still, to be looked at; what its kernel said last is in run/console.log of its directory. "+
				"An apply ends it and starts it anew: what it holds in memory only is lost.")
	case inst.State == lifecycle.Paused && inst.Failed != "":
		warn(state, "The guest of "+object+" is paused",
			"QEMU has paused it, because a write to its disk failed: "+report.Sentence(inst.Failed)+
				" Nothing is lost. Free space in the host's data directory; an apply then lets it go on, and what failed is written.")
	case inst.State == lifecycle.Paused && was != lifecycle.Paused:
		warn(state, "The guest of "+object+" is paused",
			"Somebody has paused it, or QEMU has, because a write to its disk failed. An apply lets it go on.")
	case inst.NeedsAwakening():
		warn(state, "The guest of "+object+" has not been told what it has slept through",
			"It goes on from a checkpoint, and its agent has told it neither the time nor, if it is a fork that runs for the first time, who it is now. An apply does.")
	case inst.State == lifecycle.Stopped && was == lifecycle.Running:
		warn(state, "The "+object+" does not run any more", "It ran when Terraform last saw it. "+whyEnded(inst.Ended))
	case inst.State == lifecycle.Stopped && was == lifecycle.Standby:
		warn(state, "The "+object+" has lost its memory",
			"It was in standby when Terraform last saw it, and its checkpoint is gone. When it runs next it boots from its disk.")
	}
	for _, key := range inst.Strays {
		warn(path.Root("disks").AtMapKey(key), "The volume of a disk of "+object+" is not there any more",
			"Somebody has deleted the volume while it was attached, or made another one of its name. The instance still has what was on it, until an apply detaches it: save what you need of it from within the guest first.")
	}
	for _, key := range inst.Unplugged {
		warn(path.Root("disks").AtMapKey(key), "A disk of "+object+" is not there",
			"Somebody has taken it from its running QEMU. What is on it is kept, and an apply gives it back.")
	}
	for _, nic := range slices.Sorted(maps.Keys(inst.Lost)) {
		for _, key := range slices.Sorted(maps.Keys(inst.Lost[nic])) {
			warn(path.Root("network_interfaces").AtMapKey(nic).AtName("forward").AtMapKey(key), "A forward of "+object+" is not there",
				fmt.Sprintf("Nobody listens on port %d of the host, though it is forwarded to the instance: somebody has removed that from its running QEMU.", inst.Lost[nic][key].HostPort))
		}
	}
}

// unlessNobodys is why what is left may not be destroyed after all: nothing is
// deleted that does not say whose it is.
func unlessNobodys(inst *host.Instance) string {
	if inst.UID != "" {
		return ""
	}
	return ", or is refused when not even its uid is to be found in its metadata"
}

// warnOfOrphans tells of processes that an instance whose directory is gone has
// left: nobody will end them but the user, who may want to save their disk first.
func (r *instanceResource) warnOfOrphans(ctx context.Context, m *model, diags *diag.Diagnostics) {
	d, err := r.drive(m.Host.ValueString())
	if err != nil {
		return
	}
	orphans, _ := d.Orphans(ctx, m.Name.ValueString(), m.UID.ValueString()) // a host that fails now was read a moment ago
	for _, pid := range orphans {
		diags.AddWarning("The "+m.id().Object()+" still runs, without its directory",
			fmt.Sprintf("Somebody has removed its directory while its QEMU, process %[1]s, ran. It goes on with files that have no name any more.\n\nHost: %[2]s\n\n"+
				"Save what you need of it, from within the guest or from /proc/%[1]s/fd, and end it on the host: kill %[1]s", pid, m.Host.ValueString()))
	}
}

// whyEnded is why a process is gone, as a sentence.
func whyEnded(reason string) string {
	switch reason {
	case "":
		return "QEMU did not say why: it was killed, or it crashed. Its last words are in run/control.log of the instance's directory."
	case host.HostRestarted:
		return "The host has restarted since."
	case "guest-shutdown":
		return "Its guest has shut itself down (guest-shutdown)."
	}
	return "QEMU ended it for this reason: " + report.Text(reason) + "."
}

// warnOfRoot says of a host, once for each run of the provider that starts a guest
// there, that a guest which breaks out of its QEMU is root.
func warnOfRoot(diags *diag.Diagnostics, name string, d driver) {
	if d.RunsAsRoot() {
		diags.AddWarning("Guests run as root on host "+name,
			"The login is root, and so is the QEMU of each guest: a guest that breaks out of it has the whole host.\n\nHost: "+name+"\n\n"+
				"Log in as a user who may open /dev/kvm and owns data_dir, or set qemu_user for this host to a user whom QEMU is to become.")
	}
}

func (r *instanceResource) warnOfRoot(diags *diag.Diagnostics, name string) {
	if d, err := r.drive(name); err == nil {
		warnOfRoot(diags, name, d)
	}
}

// refusal is why nothing can be done with an instance.
func refusal(inst *host.Instance) error {
	if inst.Problem != "" {
		return report.Damaged(inst.Problem, inst.Rescue)
	}
	return fmt.Errorf("nothing can be done with an instance whose state is unknown: %s", inst.Unclear)
}
