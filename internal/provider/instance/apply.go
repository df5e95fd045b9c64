package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// undoTimeout bounds deleting what could not be brought up.
const undoTimeout = 2 * time.Minute

// place is where an instance is to be made, and the driver of that host.
func (r *instanceResource) place(m *model) (hosts.ID, driver, error) {
	id := m.id()
	if id.Host == "" {
		id.Host = m.originHost().ValueString()
	}
	name, err := r.hosts.Resolve(id.Host)
	if err != nil {
		return id, nil, err
	}
	id.Host = name
	d, err := r.drive(name)
	return id, d, err
}

func (r *instanceResource) get(ctx context.Context, id hosts.ID) (*host.Instance, error) {
	d, err := r.drive(id.Host)
	if err != nil {
		return nil, err
	}
	return d.Instance(ctx, id.Name)
}

// create makes the instance and leads it where it is wanted. With an error it
// returns what is left of it, or may be; nil when nothing is.
func (m *model) create(ctx context.Context, d driver) (*host.Instance, error) {
	inst, err := m.make(ctx, d)
	if err != nil {
		return inst, report.Unsure(inst, err)
	}
	if inst, err = alter(ctx, d, inst, m, false); err == nil {
		return inst, nil
	}
	gone, err := settle(ctx, d, inst, err)
	if gone {
		return nil, err
	}
	return inst, err
}

// make makes the instance, which does not run yet.
func (m *model) make(ctx context.Context, d driver) (*host.Instance, error) {
	if m.ForkOf.IsNull() {
		return d.Create(ctx, m.spec())
	}
	return d.Fork(ctx, m.forkSpec())
}

// update makes an instance of a known uid what m asks for; restarts says whether
// it is planned to restart.
func (r *instanceResource) update(ctx context.Context, id hosts.ID, uid string, m *model, restarts bool) (*host.Instance, error) {
	d, err := r.drive(id.Host)
	if err != nil {
		return nil, err
	}
	inst, err := present(ctx, d, id.Name, uid)
	if err != nil {
		return nil, err
	}
	if inst, err = rollBack(ctx, d, inst, m); err != nil {
		return nil, err
	}
	if inst.State == lifecycle.Unknown {
		return nil, refusal(inst)
	}
	return alter(ctx, d, inst, m, restarts)
}

// present is the instance of that uid as it is now. One whose metadata does not
// tell what it is cannot be changed: what is not known of it would be lost.
func present(ctx context.Context, d driver, name, uid string) (*host.Instance, error) {
	inst, err := d.Instance(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case inst.UID != uid && inst.UID != "":
		return nil, fmt.Errorf("%w: uid %s instead of %s", host.ErrReplaced, inst.UID, uid)
	case inst.Unreadable:
		return nil, refusal(inst)
	}
	return inst, nil
}

// settle decides what becomes of an instance that was made and then not led to
// where it was wanted. One that runs and only is not ready, or not ready yet
// when the apply was cancelled, stays to be looked at; any other is deleted
// again. It reports whether the instance is gone, and err with that said.
func settle(ctx context.Context, d driver, inst *host.Instance, err error) (gone bool, _ error) {
	lookAgain(ctx, d, inst)
	if errors.Is(err, errNotReady) || ctx.Err() != nil && inst.State == lifecycle.Running {
		return false, report.Left(err, fmt.Sprintf("The instance is %s and is kept, marked as tainted: the next apply replaces it. "+
			"To keep it for good, run terraform untaint.", inst.State))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	undo := d.DeleteInstance(ctx, inst.Name, inst.UID)
	if undo != nil && !errors.Is(undo, host.ErrReplaced) {
		return false, report.Left(err, fmt.Sprintf("The instance is %s and could not be deleted again: %v. The next apply replaces it.", inst.State, undo))
	}
	return true, report.Left(err, "The instance was deleted again: nothing is left on the host.")
}

// lookAgain finds out what has become of an instance, if that can be told: its
// guest may have panicked, for one.
func lookAgain(ctx context.Context, d driver, inst *host.Instance) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	d.Forget()
	if now, err := d.Instance(ctx, inst.Name); err == nil && now.UID == inst.UID {
		inst.State = now.State
	}
}

// refuseDeletion reports a protected instance that is to be deleted.
func refuseDeletion(diags *diag.Diagnostics, m *model) bool {
	if m.DeletionProtection.ValueBool() {
		diags.AddAttributeError(path.Root("deletion_protection"), "Unable to delete "+m.id().Object(),
			"The instance is protected.\n\nHost: "+m.Host.ValueString()+"\n\nTo delete or replace it, set deletion_protection = false and apply that first.")
	}
	return m.DeletionProtection.ValueBool()
}
