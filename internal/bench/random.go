package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// randomAddress is the source address of the provider that plans are compared with.
const randomAddress = "registry.terraform.io/hashicorp/random"

// A randomProvider is one that has random_id.
type randomProvider struct{ binary, about string }

// findRandom takes the binary of HashiCorp's that it is given, or builds a small one.
func findRandom(ctx context.Context, binary string) (randomProvider, error) {
	if binary != "" {
		path, err := filepath.Abs(binary)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err == nil && !strings.HasPrefix(filepath.Base(path), "terraform-provider-random") {
			err = fmt.Errorf("it is called %s: Terraform finds only terraform-provider-random", filepath.Base(path))
		}
		if err != nil {
			return randomProvider{}, fmt.Errorf("find the random provider: %w", err)
		}
		return randomProvider{path, "HashiCorp's random provider, " + filepath.Base(path)}, nil
	}
	path, err := filepath.Abs("bin/random/terraform-provider-random")
	if err != nil {
		return randomProvider{}, err
	}
	// With the flags of the provider itself.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./internal/bench/random")
	if said, err := build.CombinedOutput(); err != nil {
		return randomProvider{}, fmt.Errorf("build a provider to compare with: %w: %s", err, said)
	}
	return randomProvider{path, "a provider with random_id alone, of the same library (internal/bench/random), in the place of HashiCorp's, whose binary was not given; it has a smaller schema, which is in its favour"}, nil
}
