package instance

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// place is where an instance is to be made, and the driver of that host.
func (r *instanceResource) place(m *model) (hosts.ID, driver, error) {
	id := m.id()
	if id.Host == "" {
		id.Host = m.originHost().ValueString()
	}
	name, err := r.Hosts.Resolve(id.Host)
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

// create makes the instance, with a secret of its cloud_init, and leads it where
// it is wanted. With an error it
// returns what is left of it, or may be; nil when nothing is.
func (m *model) create(ctx context.Context, d driver, secret types.String) (*host.Instance, error) {
	inst, err := m.make(ctx, d, secret)
	if err != nil {
		return inst, unsure(inst, err)
	}
	if inst, err = alter(ctx, d, inst, m, announced{}); err != nil {
		var gone bool
		if gone, err = settle(ctx, d, inst, err); gone {
			return nil, err
		}
	}
	kept := d.Keep(ctx, host.Ref{Kind: host.Instances, Name: inst.Name}, inst.UID)
	if err == nil {
		err = report.Unkept(kept)
	}
	return inst, err
}

// make makes the instance, which does not run yet.
func (m *model) make(ctx context.Context, d driver, secret types.String) (*host.Instance, error) {
	seed, err := m.seed(secret)
	if err != nil {
		return nil, err
	}
	if m.ForkOf.IsNull() {
		spec := m.spec()
		spec.Seed = seed
		inst, err := d.Create(ctx, spec)
		return inst, overdue(ctx, "create", lifecycle.Absent, err)
	}
	spec := m.forkSpec()
	spec.Seed = seed
	inst, err := d.Fork(ctx, spec)
	return inst, overdue(ctx, "fork", lifecycle.Absent, err)
}

// update makes an instance of a known uid what m asks for, by what was announced
// where it costs something. An error says in which state the instance was left.
func (r *instanceResource) update(ctx context.Context, id hosts.ID, uid string, m *model, was announced) (*host.Instance, error) {
	d, err := r.drive(id.Host)
	if err != nil {
		return nil, err
	}
	inst, err := present(ctx, d, id.Name, uid)
	if err != nil {
		return nil, err
	}
	if inst, err = rollBack(ctx, d, inst, m, was); err != nil {
		return nil, leaving(ctx, d, inst, err)
	}
	if inst.State == lifecycle.Unknown {
		return nil, refusal(inst)
	}
	if inst, err = alter(ctx, d, inst, m, was); err != nil {
		return nil, leaving(ctx, d, inst, err)
	}
	return inst, nil
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

// refuseDeletion reports a protected instance that is to be deleted. That it is
// tainted, and so replaced by whatever apply, is not known here.
func refuseDeletion(diags *diag.Diagnostics, m *model) bool {
	if m.DeletionProtection.ValueBool() {
		diags.AddAttributeError(path.Root("deletion_protection"), "Unable to delete "+m.id().Object(),
			"The instance is protected.\n\nHost: "+m.Host.ValueString()+"\n\nTo delete or replace it, set deletion_protection = false and apply that first. "+
				"If it is tainted, that apply would replace it, too: run terraform untaint ADDRESS before.")
	}
	return m.DeletionProtection.ValueBool()
}
