// Package image is the resource kvm_image.
package image

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/identity"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/object"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

var _ object.Managed = (*imageResource)(nil)

type imageResource struct{ object.Resource }

// NewResource returns the resource kvm_image.
func NewResource() resource.Resource { return &imageResource{object.Of(host.Images)} }

func (r *imageResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Create, limits.Create)
	defer cancel()

	img, name, err := r.put(ctx, &m)
	if err != nil {
		id := m.id()
		id.Host = name
		report.Error(&resp.Diagnostics, "create", id, err)
	}
	if img == nil {
		return
	}
	m.fill(name, img)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, m.id())...)
}

// put brings the file to the host, and returns the name of that host, too.
func (r *imageResource) put(ctx context.Context, m *model) (*host.Image, string, error) {
	h, name, err := r.Hosts.Find(m.Host.ValueString())
	if err != nil {
		return nil, name, err
	}
	spec, err := m.spec()
	if err != nil {
		return nil, name, err
	}
	img, err := h.PutImage(ctx, spec, func(ctx context.Context) (host.ImageSource, error) {
		return fetch.Open(ctx, m.Source.ValueString())
	})
	if err != nil {
		return img, name, report.Unsure(img, err)
	}
	return img, name, report.Unkept(h.Keep(ctx, host.Ref{Kind: host.Images, Name: img.Name}, img.UID))
}

func (r *imageResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...) // of what is gone, too: the framework insists
	img, err := r.get(host.Refreshing(ctx), id)
	if object.Missed(ctx, resp, id, err) || object.Replaced(ctx, resp, id, m.UID.ValueString(), img.UID) {
		return
	}
	switch {
	case img.Unreadable && m.UID.IsNull():
		report.Error(&resp.Diagnostics, "import", id, report.Damaged(img.Problem, img.Rescue))
		return
	case img.Problem != "":
		report.WarnDamaged(&resp.Diagnostics, id, img.UID, img.Problem, "Nothing can be made from it any more.", img.Rescue, "To fetch it anew")
	}
	if img.Unreadable { // what Terraform knows of it is all that is known
		return
	}
	if img.Unkept {
		r.Hosts.Keep(ctx, id, img.UID)
	}
	m.fill(id.Host, img)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

func (r *imageResource) get(ctx context.Context, id hosts.ID) (*host.Image, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	return h.Image(ctx, id.Name)
}

// Update notes the settings: whatever is more replaces the image.
func (r *imageResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.id()
	img, err := r.note(ctx, id, &m)
	if err != nil {
		report.Error(&resp.Diagnostics, "update", id, err)
		return
	}
	m.fill(id.Host, img)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(identity.Set(ctx, resp.Identity, id)...)
}

func (r *imageResource) note(ctx context.Context, id hosts.ID, m *model) (*host.Image, error) {
	h, err := r.Hosts.Host(id.Host)
	if err != nil {
		return nil, err
	}
	img, err := h.Image(ctx, id.Name)
	if err != nil {
		return nil, err
	}
	if img.Problem != "" {
		return nil, report.Damaged(img.Problem, img.Rescue)
	}
	if img.UID != m.UID.ValueString() {
		return nil, host.ErrReplaced
	}
	if settings := m.settings(); !field.IsNoted(img.Settings, settings) {
		err = h.NoteImage(ctx, img, field.Note(settings))
	}
	return img, err
}

func (r *imageResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m model
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := field.Within(ctx, m.Timeouts.Delete, limits.Delete)
	defer cancel()

	h, err := r.Hosts.Host(m.Host.ValueString())
	if err == nil {
		err = h.DeleteImage(ctx, m.Name.ValueString(), m.UID.ValueString())
	}
	object.Deleted(&resp.Diagnostics, m.id(), err)
}
