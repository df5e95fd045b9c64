// Package volume is the resource kvm_volume and the data source kvm_volumes.
package volume

import (
	"cmp"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/identity"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var (
	_ object.Managed                      = (*volumeResource)(nil)
	_ resource.ResourceWithValidateConfig = (*volumeResource)(nil)
)

type volumeResource struct{ object.Resource }

// NewResource returns the resource kvm_volume.
func NewResource() resource.Resource { return &volumeResource{object.Of(host.Volumes)} }

func (r *volumeResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Create, limits.Create)
	defer cancel()

	volume, name, err := r.make(ctx, &m)
	if err != nil {
		id := m.id()
		id.Host = name
		report.Error(&resp.Diagnostics, "create", id, err)
	}
	if volume == nil {
		return
	}
	m.fill(name, volume)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, m.id())...)
}

// make makes the volume, and returns the name of its host, too.
func (r *volumeResource) make(ctx context.Context, m *model) (*host.Volume, string, error) {
	h, name, err := r.Hosts.Find(cmp.Or(m.Host.ValueString(), m.imageHost().ValueString()))
	if err != nil {
		return nil, name, err
	}
	volume, err := h.CreateVolume(ctx, m.spec())
	if err != nil {
		return volume, name, report.Unsure(volume, err)
	}
	return volume, name, report.Unkept(h.Keep(ctx, host.Ref{Kind: host.Volumes, Name: volume.Name}, volume.UID))
}

func (r *volumeResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...) // of what is gone, too: the framework insists
	volume, err := r.get(host.Refreshing(ctx), id)
	if object.Missed(ctx, resp, id, err) || object.Replaced(ctx, resp, id, m.UID.ValueString(), volume.UID) {
		return
	}
	switch {
	case volume.Unreadable && m.UID.IsNull():
		report.Error(&resp.Diagnostics, "import", id, report.Damaged(volume.Problem, volume.Rescue))
		return
	case volume.Problem != "":
		report.WarnDamaged(&resp.Diagnostics, id, volume.UID, volume.Problem, "It cannot be attached any more.", volume.Rescue, "To have an empty one, or one from its image, instead")
	}
	if volume.Unreadable { // what Terraform knows of it is all that is known
		return
	}
	if volume.Unkept {
		r.Hosts.Keep(ctx, id, volume.UID)
	}
	m.fill(id.Host, volume)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (r *volumeResource) get(ctx context.Context, id hosts.ID) (*host.Volume, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	return h.Volume(ctx, id.Name)
}

func (r *volumeResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Update, limits.Update)
	defer cancel()

	id := m.id()
	volume, err := r.update(ctx, id, &m)
	if err != nil {
		report.Error(&resp.Diagnostics, "update", id, err)
		return
	}
	m.fill(id.Host, volume)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

func (r *volumeResource) update(ctx context.Context, id hosts.ID, m *model) (*host.Volume, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	volume, err := h.Volume(ctx, id.Name)
	if err != nil {
		return nil, err
	}
	if volume.Problem != "" {
		return nil, report.Damaged(volume.Problem, volume.Rescue)
	}
	if volume.UID != m.UID.ValueString() {
		return nil, host.ErrReplaced
	}
	return volume, h.UpdateVolume(ctx, volume, m.change(volume))
}

func (r *volumeResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || refuseDeletion(&resp.Diagnostics, &m) {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Delete, limits.Delete)
	defer cancel()

	h, err := r.Hosts.Host(m.Host.ValueString())
	if err == nil {
		err = h.DeleteVolume(ctx, m.Name.ValueString(), m.UID.ValueString())
	}
	object.Deleted(&resp.Diagnostics, m.id(), err)
}
