package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

var web = hosts.ID{Host: "lab", Kind: host.Instances, Name: "web"}

func failure() *host.Error {
	return &host.Error{
		Verb: "start", Object: "instance web", Host: "lab", Err: fmt.Errorf("QEMU ended: %w", host.ErrFailed),
		Said: "qemu: no such device\nqemu: bye\n", Left: "it is stopped", Remedy: "install the device",
	}
}

func TestError_TellsTheWholeOfADriversFailure(t *testing.T) {
	var diags diag.Diagnostics
	Error(&diags, "create", web, failure())
	want := "QEMU ended: it failed on the host.\n\nHost: lab\n\nThe host said:\n  qemu: no such device\n  qemu: bye\n\nIt is stopped.\n\nInstall the device."
	if got := diags[0]; got.Summary() != "Unable to start instance web" || got.Detail() != want {
		t.Errorf("%s\n%s\nwant\n%s", got.Summary(), got.Detail(), want)
	}
}

func TestError_KeepsWhatWasSaidAroundADriversFailure(t *testing.T) {
	got := Detail(web, fmt.Errorf("the time limit was reached: %w", failure()))
	if !strings.HasPrefix(got, "The time limit was reached: QEMU ended") || strings.Count(got, "no such device") != 1 {
		t.Error(got)
	}
}

func TestError_BlamesAnImagesSourceOnlyForWhatItIs(t *testing.T) {
	disk := hosts.ID{Host: "lab", Kind: host.Images, Name: "disk"}
	for err, blamed := range map[error]bool{
		errors.New("answered 404"): true,
		host.ErrFailed:             false, // the host's disk is full, perhaps
		qemu.ErrBackingFile:        false, // says itself what to do
	} {
		got := Detail(disk, &host.Error{Verb: "create", Object: "image disk", Host: "lab", Err: err})
		if strings.Contains(got, "Check source and checksum") != blamed {
			t.Errorf("%v: %q; blames the source: want %v", err, got, blamed)
		}
	}
	if got := Detail(disk, &host.Error{Verb: "read", Object: "image disk", Host: "lab", Err: errors.New("no")}); strings.Contains(got, "source") {
		t.Errorf("a read: %q", got)
	}
}

func TestLeft_StandsInsteadOfWhatTheDriverLeft(t *testing.T) {
	err := Left(failure(), "nothing is left")
	got := Detail(web, err)
	if !strings.Contains(got, "Nothing is left.") || strings.Contains(got, "It is stopped") || !errors.Is(err, host.ErrFailed) {
		t.Error(got)
	}
}

func TestUnsure_StandsInsteadOfTheDriversRemedyWhereSomethingMayBeThere(t *testing.T) {
	lost := failure()
	lost.Err = ssh.ErrLost
	got := Detail(web, Unsure(&host.Instance{}, lost))
	if strings.Contains(got, "Install the device") || strings.Contains(got, "It is stopped") || !strings.Contains(got, "marked as tainted.\n\nRun terraform apply again") {
		t.Error(got)
	}
	if err := Unsure[host.Instance](nil, lost); err != error(lost) {
		t.Errorf("%v; want it as it was", err)
	}
}

func TestError_HasARemedyOfItsOwnWhereTheDriverHasNone(t *testing.T) {
	for err, remedy := range map[error]string{
		host.ErrReplaced:         "terraform plan",
		host.ErrChanged:          "apply again",
		context.DeadlineExceeded: "raise the limit in timeouts",
		ssh.ErrUnreachable:       "Check address and port",
		ssh.ErrAuthentication:    "authorized_keys",
		ssh.ErrForwarding:        "AllowTcpForwarding",
		context.Canceled:         "apply again",
	} {
		failed := &host.Error{Verb: "create", Object: "instance web", Host: "lab", Err: err}
		if got := Detail(web, failed); !strings.Contains(got, remedy) {
			t.Errorf("%v: %q; want %q in it", err, got, remedy)
		}
	}
	if got := Detail(web, failure()); strings.Contains(got, "apply again") || !strings.HasSuffix(got, "Install the device.") {
		t.Errorf("the driver's own remedy is not the last word: %q", got)
	}
}

func TestSentence_LeavesNamesAsTheyAre(t *testing.T) {
	for text, want := range map[string]string{
		"the name is taken":            "The name is taken.",
		"It is.":                       "It is.",
		"lab/instances/web is taken":   "lab/instances/web is taken.",
		"deletion_protection is on":    "deletion_protection is on.",
		"run terraform import lab/x/y": "Run terraform import lab/x/y",
		"":                             "",
	} {
		if got := Sentence(text); got != want {
			t.Errorf("%q: %q; want %q", text, got, want)
		}
	}
}

func TestReplaced_WarnsOnlyOfAnotherObject(t *testing.T) {
	for _, c := range []struct {
		known, found string
		replaced     bool
	}{{"", "u1", false}, {"u1", "u1", false}, {"u1", "u2", true}} {
		var diags diag.Diagnostics
		if got := Replaced(&diags, web, c.known, c.found); got != c.replaced || diags.WarningsCount() != map[bool]int{true: 1}[c.replaced] {
			t.Errorf("%q, then %q: %v, %v", c.known, c.found, got, diags)
		}
	}
}
