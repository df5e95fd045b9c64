package testhost

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/fs"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

// terraformVersion is installed where there is no Terraform that is new enough.
const terraformVersion = "1.11.4"

// newEnough is what a Terraform that is found must be.
var newEnough = version.MustConstraints(version.NewConstraint(">= 1.8"))

// Terraform returns the path of the terraform program: the one in PATH if it is
// new enough, else one that is downloaded from HashiCorp, its signature checked,
// and kept in the cache. Progress, if not nil, is told of a download.
func Terraform(ctx context.Context, progress io.Writer) (string, error) {
	found, notFound := (&fs.Version{Product: product.Terraform, Constraints: newEnough}).Find(ctx)
	if notFound == nil {
		return found, nil
	}
	path, err := installTerraform(ctx, progress, releases.ExactVersion{})
	if err != nil {
		return "", fmt.Errorf("%w; the PATH has none either (%w): install Terraform %s", err, notFound, newEnough)
	}
	return path, nil
}

// installTerraform gets terraformVersion from a source, or from the cache.
func installTerraform(ctx context.Context, progress io.Writer, source releases.ExactVersion) (string, error) {
	dir, err := Cached(ctx, "terraform-"+terraformVersion, func(dir string) error {
		if progress != nil {
			fmt.Fprintf(progress, "downloading Terraform %s\n", terraformVersion)
		}
		source.Product = product.Terraform
		source.Version = version.Must(version.NewVersion(terraformVersion))
		source.InstallDir = dir
		_, err := source.Install(ctx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("install Terraform %s: %w", terraformVersion, err)
	}
	return filepath.Join(dir, product.Terraform.BinaryName()), nil
}
