// Package object is what resources and data sources have in common: each resource is
// for objects of one kind, which have a name, on a host.
package object

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/identity"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// Managed is what each of the resources is to Terraform.
type Managed interface {
	resource.ResourceWithConfigure
	resource.ResourceWithIdentity
	resource.ResourceWithImportState
	resource.ResourceWithModifyPlan
}

// A Resource is embedded by the resource for one kind of object.
type Resource struct {
	Hosts *hosts.Registry // nil before the provider is configured, as while validating
	kind  host.Kind
}

// Of is what a resource for objects of a kind embeds.
func Of(kind host.Kind) Resource { return Resource{kind: kind} }

// Metadata names the resource: kvm_image for host.Images.
func (r *Resource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + strings.TrimSuffix(string(r.kind), "s")
}

// Configure takes over the provider's hosts.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.Hosts = hosts.FromProvider(req.ProviderData, &resp.Diagnostics)
}

// IdentitySchema is that of every object.
func (r *Resource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identity.Schema()
}

// ImportState takes an id, a name or an identity.
func (r *Resource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	identity.Import(ctx, r.Hosts, r.kind, req, resp)
}

// Missed ends a read that did not find the object, or could not tell: err is what
// became of looking for it. It reports whether it has.
func Missed(ctx context.Context, resp *resource.ReadResponse, id hosts.ID, err error) bool {
	switch {
	case errors.Is(err, host.ErrNotFound):
		resp.State.RemoveResource(ctx)
	case err != nil:
		report.Error(&resp.Diagnostics, "read", id, err)
	}
	return err != nil
}

// Replaced ends a read that found another object than the one whose uid is known.
// It reports whether it has. The uid of one that cannot be read is "".
func Replaced(ctx context.Context, resp *resource.ReadResponse, id hosts.ID, known, found string) bool {
	replaced := found != "" && report.Replaced(&resp.Diagnostics, id, known, found)
	if replaced {
		resp.State.RemoveResource(ctx)
	}
	return replaced
}

// Deleted reports what came of a deletion. What took the object's name is not
// ours to delete, and the object is gone then.
func Deleted(diags *diag.Diagnostics, id hosts.ID, err error) {
	if err != nil && !errors.Is(err, host.ErrReplaced) {
		report.Error(diags, "delete", id, err)
	}
}
