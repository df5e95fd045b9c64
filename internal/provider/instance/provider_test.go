package instance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// Terraform is not to read the configuration of whoever runs the tests.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "instance-test-")
	if err != nil {
		panic(err)
	}
	config := filepath.Join(dir, "terraformrc")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		panic(err)
	}
	os.Setenv("TF_CLI_CONFIG_FILE", config)
	os.Setenv("CHECKPOINT_DISABLE", "1")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A fakeProvider has the resource kvm_instance on one host, "lab", that is fake.
type fakeProvider struct{ lab *fakeHost }

func (p *fakeProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "kvm"
}

func (p *fakeProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (p *fakeProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.ResourceData = hosts.New(map[string]hosts.Entry{"lab": {Host: host.Config{Name: "lab"}}}, "")
}

func (p *fakeProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &onFakeHost{newResource(), p.lab} }}
}

func (p *fakeProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

type onFakeHost struct {
	*instanceResource
	lab *fakeHost
}

func (r *onFakeHost) Configure(ctx context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.instanceResource.Configure(ctx, req, resp)
	r.drive = func(name string) (driver, error) {
		if name != "lab" {
			return nil, fmt.Errorf("asked for the host %q", name)
		}
		return r.lab, nil
	}
}

func onHost(lab *fakeHost) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){"kvm": providerserver.NewProtocol6WithError(&fakeProvider{lab})}
}
