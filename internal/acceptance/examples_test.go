package acceptance_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestExamples_PlanCleanAfterTheyAreAppliedAndAfterTheyAreImported applies what the documentation shows,
// word for word but for what a test has not got: a server of Debian images, and
// ports that all the world may reach. The image boots by its own boot loader.
// Then it forgets it all and imports it, which must be planned clean, too.
func TestExamples_PlanCleanAfterTheyAreAppliedAndAfterTheyAreImported(t *testing.T) {
	t.Parallel()
	guest, err := testhost.BuildGuest(t.Context())
	must(t, err)
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(guest.BootDisk))))
	t.Cleanup(server.Close)
	_, sum := contentOf(t, guest.BootDisk)
	real := strings.NewReplacer(
		"https://images.example.com/debian-12-amd64.qcow2", server.URL+"/"+filepath.Base(guest.BootDisk),
		"build/vmlinuz", guest.Kernel, "build/initrd.img", guest.Initrd,
		"3c6a8c9d1f52a7c4be1b0d2f6e8d9a70415263748596a7b8c9daebfc0d1e2f30", sum,
		"0.0.0.0", "127.0.0.1", "8080", strconv.Itoa(unusedPort(t)),
		"/health", "/token", "worker is ready", "testguest ready",
		`host = "lab"`, `host = "default"`,
		// Each workspace says itself where the provider is, and where its host.
		"terraform {\n  required_providers {\n    kvm = { source = \"seed-a7bafb14/kvm\" }\n  }\n}\n", "", `provider "kvm" {}`, "",
	)
	variables := map[string]string{"fanout": fmt.Sprintf("kernel = %q\ninitrd = %q\ndisk = %q\ncommand_line = %q\nmemory_mib = 128\nforks = [\"a\", \"b\"]\n",
		guest.Kernel, guest.Initrd, guest.Disk, testhost.CommandLine), "resources/kvm_instance": `token = "secret"` + "\n"}
	example := func(kind string) (config string) {
		files, err := filepath.Glob("../../examples/" + kind + "/*.tf")
		must(t, err)
		if len(files) == 0 {
			t.Fatalf("there is no example %s", kind)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			must(t, err)
			config += real.Replace(string(text)) + "\n"
		}
		return config
	}
	for _, kinds := range [][]string{
		{"resources/kvm_image"},
		{"resources/kvm_snapshot", "data-sources/kvm_snapshots"}, // the second forks what the first has made
		{"resources/kvm_instance", "data-sources/kvm_instances", "data-sources/kvm_host"},
		{"resources/kvm_volume", "data-sources/kvm_volumes"},
		{"fanout"},
	} {
		t.Run(strings.Join(kinds, "+"), func(t *testing.T) {
			own := newLab(t, testhost.Options{})
			config := own.provider(nil)
			w := newWorkspace(t, config)
			w.add("terraform.tfvars", variables[kinds[0]])
			for _, kind := range kinds {
				config += example(kind)
				w.write(config)
				w.want(0, "apply", "-auto-approve")
				w.want(0, "plan", "-detailed-exitcode")
			}
			w.reimport()
		})
	}
}
