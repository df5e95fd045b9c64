package image

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/report"
)

// warnOfDamage says of a damaged image what its attributes do not tell. It is no
// error, so that the rest of a configuration can still be planned and applied.
func warnOfDamage(diags *diag.Diagnostics, id hosts.ID, img *host.Image) {
	anew := ""
	if img.UID != "" { // else the host refuses to delete it
		anew = " To fetch it anew, replace it: terraform apply -replace=ADDRESS"
	}
	diags.AddWarning("The "+id.Object()+" is damaged", report.Sentence(img.Problem)+"\n\nHost: "+id.Host+
		"\n\nNothing can be made from it any more. "+report.Sentence(img.Rescue)+anew)
}
