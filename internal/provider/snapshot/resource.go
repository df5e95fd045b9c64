// Package snapshot is the resource kvm_snapshot and the data source
// kvm_snapshots.
package snapshot

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/identity"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var _ object.Managed = (*snapshotResource)(nil)

type snapshotResource struct{ object.Resource }

// NewResource returns the resource kvm_snapshot.
func NewResource() resource.Resource { return &snapshotResource{object.Of(host.Snapshots)} }

func (r *snapshotResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Create, limits.Create)
	defer cancel()

	id := m.id()
	snap, err := r.take(ctx, id, &m)
	if err != nil {
		report.Error(&resp.Diagnostics, "take", id, err)
	}
	if snap == nil {
		return
	}
	m.fill(id.Host, snap)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

func (r *snapshotResource) take(ctx context.Context, id hosts.ID, m *model) (*host.Snapshot, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	snap, err := h.TakeSnapshot(ctx, m.spec())
	if err != nil {
		return snap, report.Unsure(snap, err)
	}
	tflog.Info(ctx, "snapshot: taken", map[string]any{"snapshot": id.Name, "uid": snap.UID, "pause_ms": snap.Pause.Milliseconds()})
	return snap, report.Unkept(h.Keep(ctx, id.Ref(), snap.UID))
}

func (r *snapshotResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...) // of what is gone, too: the framework insists
	snap, err := r.get(host.Refreshing(ctx), id)
	if object.Missed(ctx, resp, id, err) || object.Replaced(ctx, resp, id, m.UID.ValueString(), snap.UID) {
		return
	}
	switch {
	case snap.Unreadable && m.UID.IsNull():
		report.Error(&resp.Diagnostics, "import", id, report.Damaged(snap.Problem, snap.Rescue))
		return
	case snap.Problem != "":
		report.WarnDamaged(&resp.Diagnostics, id, snap.UID, snap.Problem,
			"Nothing can be forked from it any more; what was forked before is not affected.", snap.Rescue, "To take it anew")
		if snap.Unreadable { // what Terraform knows of it is all that is known
			return
		}
	}
	if snap.Unkept {
		r.Hosts.Keep(ctx, id, snap.UID)
	}
	m.fill(id.Host, snap)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (r *snapshotResource) get(ctx context.Context, id hosts.ID) (*host.Snapshot, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	return h.Snapshot(ctx, id.Name)
}

func (r *snapshotResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	snap, err := r.label(ctx, id, &m)
	if err != nil {
		report.Error(&resp.Diagnostics, "update", id, err)
		return
	}
	m.fill(id.Host, snap)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

// label gives the snapshot its labels and settings, which are all that can change.
func (r *snapshotResource) label(ctx context.Context, id hosts.ID, m *model) (*host.Snapshot, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	snap, err := h.Snapshot(ctx, id.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case snap.UID != m.UID.ValueString() && snap.UID != "":
		return nil, host.ErrReplaced
	case snap.Unreadable: // what is not known of it would be lost
		return nil, report.Damaged(snap.Problem, snap.Rescue)
	}
	labels, settings := field.LabelsOf(m.Labels), m.settings()
	if !maps.Equal(labels, snap.Labels) || !field.IsNoted(snap.Settings, settings) {
		err = h.LabelSnapshot(ctx, snap, labels, field.Note(settings))
	}
	return snap, err
}

func (r *snapshotResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Delete, limits.Delete)
	defer cancel()

	h, err := r.Hosts.Host(m.Host.ValueString())
	if err == nil {
		err = h.DeleteSnapshot(ctx, m.Name.ValueString(), m.UID.ValueString())
	}
	object.Deleted(&resp.Diagnostics, m.id(), err)
}
