package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// undoTimeout bounds deleting what could not be brought up.
const undoTimeout = 2 * time.Minute

// settle decides what becomes of an instance that was made and then not led to
// where it was wanted. One that runs and only is not ready, or not ready yet
// when the apply was cancelled, stays to be looked at; any other is deleted
// again. It reports whether the instance is gone, and err with that said.
func settle(ctx context.Context, d driver, inst *host.Instance, err error) (gone bool, _ error) {
	lookAgain(ctx, d, inst)
	if errors.Is(err, errNotReady) || ctx.Err() != nil && inst.State == lifecycle.Running {
		return false, report.Left(err, fmt.Sprintf("The instance is %s and is kept, marked as tainted. %s", inst.State, fateOfTainted(inst)))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	undo := d.DeleteInstance(ctx, inst.Name, inst.UID)
	if undo != nil && !errors.Is(undo, host.ErrReplaced) {
		return false, report.Left(err, fmt.Sprintf("The instance is %s and could not be deleted again: %v. %s", inst.State, undo, fateOfTainted(inst)))
	}
	return true, report.LeftTo(err, "The instance was deleted again: nothing is left on the host.", retry(err))
}

// retry is what to do about a connection that was lost, when all is undone.
func retry(err error) string {
	if errors.Is(err, ssh.ErrLost) {
		return "Run terraform apply again."
	}
	return ""
}

// unsure is the error of an instance that may have been made all the same.
func unsure(inst *host.Instance, err error) error {
	err = report.Unsure(inst, err)
	if inst != nil && inst.DeletionProtection {
		return report.LeftTo(err, "It may be on the host all the same. It is in the state, marked as tainted. "+fateOfTainted(inst), retry(err))
	}
	return err
}

// fateOfTainted says how a tainted instance is kept, and how it goes.
func fateOfTainted(inst *host.Instance) string {
	if inst.DeletionProtection {
		return "It is protected, so that no apply replaces it. Run terraform untaint ADDRESS, which keeps it; to have it go, apply with deletion_protection = false then."
	}
	return "The next apply replaces it. To keep it for good, run terraform untaint ADDRESS."
}

// leaving is err with the state in which it leaves the instance. Of one that is
// damaged the error says more.
func leaving(ctx context.Context, d driver, inst *host.Instance, err error) error {
	switch seen := lookAgain(ctx, d, inst); {
	case inst.Problem != "":
		return err
	case seen:
		return report.Left(err, fmt.Sprintf("The instance is %s.", inst.State))
	}
	return report.Left(err, fmt.Sprintf("The instance was last seen %s.", inst.State))
}

// lookAgain finds out what has become of an instance, if that can be told: its
// guest may have panicked, for one.
func lookAgain(ctx context.Context, d driver, inst *host.Instance) (seen bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	d.Forget()
	now, err := d.Instance(ctx, inst.Name)
	if err != nil || now.UID != inst.UID {
		return false
	}
	inst.State = now.State
	return true
}
