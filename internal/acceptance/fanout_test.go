package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/config"
	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestFanout_FromNothingOnAHostWithAnAwkwardDirectory is the main job, on a host
// whose data directory is so deep that the path of a socket in it has more than
// the 107 bytes that there may be: QEMU runs in the instance's directory and
// names its files from there. Its name finds errors in quoting.
func TestFanout_FromNothingOnAHostWithAnAwkwardDirectory(t *testing.T) {
	t.Parallel()
	own := newLab(t, testhost.Options{DataDirName: "it's, a \"dir\"; $(exit) " + strings.Repeat("deep", 25)})
	if socket := filepath.Join(own.DataDir, "instances/base/run/migrate/sock"); len(socket) <= 107 {
		t.Fatalf("%s is no longer than a socket's path may be", socket)
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	must(t, os.WriteFile(known, fmt.Appendf(nil, "[%s]:%d %s\n", own.Address, own.Port, own.HostKey), 0o600))
	variables := func(forks int) config.Variables {
		text := func(values map[string]string) config.Variable {
			all := map[string]config.Variable{}
			for name, value := range values {
				all[name] = config.StringVariable(value)
			}
			return config.MapVariable(all)
		}
		return config.Variables{
			"host": text(map[string]string{
				"address": own.Address, "port": strconv.Itoa(own.Port), "user": own.User,
				"private_key_file": own.PrivateKeyFile, "known_hosts_file": known, "data_dir": own.DataDir,
			}),
			"guest":        text(map[string]string{"kernel": own.guest.Kernel, "initrd": own.guest.Initrd, "disk": own.guest.Disk}),
			"command_line": config.StringVariable(testhost.CommandLine),
			"forks":        config.IntegerVariable(forks),
		}
	}
	tokens := check(func(ctx context.Context) error {
		want, err := own.tokenOf(ctx, "base")
		for i := range 3 {
			got, failed := own.tokenOf(ctx, fmt.Sprintf("fork-%d", i))
			if failed == nil && got != want {
				failed = fmt.Errorf("fork-%d has the token %s; want the base's, %s", i, got, want)
			}
			err = errors.Join(err, failed)
		}
		return err
	})
	own.apply(t, "",
		tf.TestStep{
			ConfigDirectory: config.TestNameDirectory(), ConfigVariables: variables(3),
			ConfigStateChecks: checks{tokens, statecheck.ExpectKnownOutputValue("ports", knownvalue.ListSizeExact(3))},
		},
		tf.TestStep{
			ConfigDirectory: config.TestNameDirectory(), ConfigVariables: variables(1),
			ConfigStateChecks: checks{own.holds("fork", "instances/fork-0")},
		},
	)
}
