// Package network is the resource kvm_network.
package network

import (
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
	_ object.Managed                      = (*networkResource)(nil)
	_ resource.ResourceWithValidateConfig = (*networkResource)(nil)
)

type networkResource struct{ object.Resource }

// NewResource returns the resource kvm_network.
func NewResource() resource.Resource { return &networkResource{object.Of(host.Networks)} }

func (r *networkResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Create, limits.Create)
	defer cancel()

	id := m.id()
	n, name, err := r.create(ctx, &m)
	id.Host = name
	if err != nil {
		report.Error(&resp.Diagnostics, "create", id, err)
	}
	if n == nil {
		return
	}
	m.fill(name, n)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

// create makes the network, and returns the name of its host, too.
func (r *networkResource) create(ctx context.Context, m *model) (*host.Network, string, error) {
	h, name, err := r.Hosts.Find(m.Host.ValueString())
	if err != nil {
		return nil, name, err
	}
	n, err := h.CreateNetwork(ctx, m.spec())
	if err != nil {
		return n, name, report.Unsure(n, err)
	}
	return n, name, report.Unkept(h.Keep(ctx, host.Ref{Kind: host.Networks, Name: n.Name}, n.UID))
}

func (r *networkResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...) // of what is gone, too: the framework insists
	n, err := r.get(host.Refreshing(ctx), id)
	if object.Missed(ctx, resp, id, err) || object.Replaced(ctx, resp, id, m.UID.ValueString(), n.UID) {
		return
	}
	if n.Problem != "" {
		report.Error(&resp.Diagnostics, "read", id, report.Damaged(n.Problem, ""))
		return
	}
	if n.Unkept {
		r.Hosts.Keep(ctx, id, n.UID)
	}
	m.fill(id.Host, n)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (r *networkResource) get(ctx context.Context, id hosts.ID) (*host.Network, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	return h.Network(ctx, id.Name)
}

func (r *networkResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Update, limits.Update)
	defer cancel()

	id := m.id()
	n, err := r.update(ctx, id, &m)
	if err != nil {
		report.Error(&resp.Diagnostics, "update", id, err)
		return
	}
	m.fill(id.Host, n)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

// update makes the network what is asked for, and brings it up.
func (r *networkResource) update(ctx context.Context, id hosts.ID, m *model) (*host.Network, error) {
	n, err := r.get(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case n.UID != m.UID.ValueString() && n.UID != "":
		return nil, host.ErrReplaced
	}
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	return n, h.UpdateNetwork(ctx, n, m.spec())
}

func (r *networkResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Delete, limits.Delete)
	defer cancel()

	h, err := r.Hosts.Host(m.Host.ValueString())
	if err == nil {
		err = h.DeleteNetwork(ctx, m.Name.ValueString(), m.UID.ValueString())
	}
	object.Deleted(&resp.Diagnostics, m.id(), err)
}
