// Package instance is the resource kvm_instance and the data source
// kvm_instances.
package instance

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/identity"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var (
	_ object.Managed                      = (*instanceResource)(nil)
	_ resource.ResourceWithValidateConfig = (*instanceResource)(nil)
)

type instanceResource struct {
	object.Resource
	drive func(name string) (driver, error) // the driver of a host
}

// NewResource returns the resource kvm_instance.
func NewResource() resource.Resource { return newResource() }

func newResource() *instanceResource {
	return &instanceResource{Resource: object.Of(host.Instances)}
}

func (r *instanceResource) Configure(ctx context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.Resource.Configure(ctx, req, resp)
	r.drive = func(name string) (driver, error) { return r.Hosts.Host(name) }
}

func (r *instanceResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	var secret types.String
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, atSecret, &secret)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Create, limits.Create)
	defer cancel()

	id, d, err := r.place(&m)
	if err != nil {
		report.Error(&resp.Diagnostics, "create", id, err)
		return
	}
	inst, err := m.create(ctx, d, secret)
	warnOfRoot(&resp.Diagnostics, id.Host, d)
	if err != nil {
		report.Error(&resp.Diagnostics, "create", id, err)
	}
	if inst == nil {
		return
	}
	m.fill(id.Host, inst)
	m.IPAddresses = noAddresses
	if err == nil {
		m.IPAddresses = awaitAddresses(ctx, d, inst)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

func (r *instanceResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...) // of what is gone, too: the framework insists
	inst, err := r.get(host.Refreshing(ctx), id)
	if errors.Is(err, host.ErrNotFound) {
		r.warnOfOrphans(ctx, &m, &resp.Diagnostics)
	}
	if object.Missed(ctx, resp, id, err) || object.Replaced(ctx, resp, id, m.UID.ValueString(), inst.UID) {
		return
	}
	switch {
	case inst.Unreadable && m.UID.IsNull():
		report.Error(&resp.Diagnostics, "import", id, refusal(inst))
		return
	case inst.Unreadable: // what Terraform knows of it is all that is known
		warnOfState(&resp.Diagnostics, &m, inst)
		m.State = types.StringValue(string(inst.State))
		resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
		return
	}
	if inst.Unkept {
		r.Hosts.Keep(ctx, id, inst.UID)
	}
	warnOfState(&resp.Diagnostics, &m, inst)
	if err := r.recallSeed(ctx, &m, id, inst); err != nil {
		report.Error(&resp.Diagnostics, "import", id, err)
		return
	}
	before := m.NetworkInterfaces
	m.fill(id.Host, inst)
	m.fillRestored(inst)
	if d, err := r.drive(id.Host); err == nil {
		m.IPAddresses = addresses(ctx, d, inst, m.IPAddresses)
	}
	resp.Diagnostics.Append(rememberAsleep(ctx, resp.Private, inst)...)
	resp.Diagnostics.Append(rememberLost(ctx, resp.Private, before, m.NetworkInterfaces)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (r *instanceResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, before model
	var secret types.String
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, atSecret, &secret)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Update, limits.Update)
	defer cancel()

	id := before.id()
	defer r.warnOfRoot(&resp.Diagnostics, id.Host)
	was, err := before.planned(&m, req.State.Raw, req.Plan.Raw, secret)
	var inst *host.Instance
	if err == nil {
		inst, err = r.update(ctx, id, before.UID.ValueString(), &m, was)
	}
	if err != nil {
		report.Error(&resp.Diagnostics, "update", id, err)
		return
	}
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, lostForwards, nil)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, asleep, nil)...)
	m.fill(id.Host, inst)
	if d, err := r.drive(id.Host); err == nil && m.IPAddresses.IsUnknown() {
		m.IPAddresses = awaitAddresses(ctx, d, inst)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

func (r *instanceResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || refuseDeletion(&resp.Diagnostics, &m) {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Delete, limits.Delete)
	defer cancel()

	d, err := r.drive(m.Host.ValueString())
	if err == nil {
		err = d.DeleteInstance(ctx, m.Name.ValueString(), m.UID.ValueString())
	}
	object.Deleted(&resp.Diagnostics, m.id(), err)
}
