// Command terraform-provider-kvm is a Terraform provider that runs virtual
// machines on plain Linux hosts.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
)

// version is set by the linker.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger; Terraform finds the provider by TF_REATTACH_PROVIDERS")
	flag.Parse()
	if !*debug { // else there is somebody at the terminal
		provider.QuietUnlessAsked()
	}

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
