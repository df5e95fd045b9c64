// Command terraform-provider-kvm is a Terraform provider that runs virtual
// machines on plain Linux hosts.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime/debug"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
)

// version is set by the linker.
var version = "dev"

// gcPercent is Go's GOGC. What is decoded and encoded for Terraform is garbage at
// once, and little else is kept: with 100 a fifth more time went by with it.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	debugger := flag.Bool("debug", false, "serve for a debugger; Terraform finds the provider by TF_REATTACH_PROVIDERS")
	flag.Parse()
	if !*debugger { // else there is somebody at the terminal
		provider.QuietUnlessAsked()
	}

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debugger,
	})
	if err != nil {
		log.Fatal(err)
	}
}
