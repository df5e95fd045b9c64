package report

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// Damaged is why nothing is done with an object that is damaged, and how to go
// on from what is intact of it.
func Damaged(problem, rescue string) error {
	return Left(fmt.Errorf("it is damaged: %s", problem), "Nothing of it was changed. "+Sentence(rescue))
}

// WarnDamaged says of a damaged object what its attributes do not tell: what is
// lost with it, what is intact and, where its uid is told, without which the host
// deletes nothing, how it is made anew. It is no error, so that the rest of a
// configuration can still be planned and applied.
func WarnDamaged(diags *diag.Diagnostics, id hosts.ID, uid, problem, lost, rescue, anew string) {
	rescue = Sentence(rescue)
	if uid != "" {
		rescue += " " + anew + ", replace it: terraform apply -replace=ADDRESS"
	}
	diags.AddWarning("The "+id.Object()+" is damaged", Sentence(problem)+"\n\nHost: "+id.Host+"\n\n"+lost+" "+rescue)
}

// Unsure is the error of making something, with what may have been made all the
// same: the connection was lost, and the host finishes what it was told. Whoever
// reports it puts that into the state, in which Terraform marks it as tainted, so
// that its uid tells the next apply whether it is there. Without it, err is sure.
func Unsure[T any](made *T, err error) error {
	if made == nil {
		return err
	}
	return LeftTo(err,
		"It may be on the host all the same, or come to be there within a minute: the host finishes what it was told. It is in the state, marked as tainted.",
		"Run terraform apply again after that: it finds out whether it is there, and replaces it or makes it. To keep what is there, run terraform untaint ADDRESS before.")
}

// Unkept is the error of an object that was made well and that the host could
// not be told to keep.
func Unkept(err error) error {
	if err == nil {
		return nil
	}
	return LeftTo(err,
		"It was made, but the host was not told that it is known, and gives its name to whoever asks for it next. It is in the state, marked as tainted.",
		"Run terraform apply again, which replaces it. To keep what is there, run terraform untaint ADDRESS before.")
}
