package testbed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// HostName is the name of the one host that a provider's environment describes.
const HostName = "default"

// patience is how long an interrupted terraform may take to end what it has in
// hand and to save its state.
const patience = 45 * time.Second

// Terraform is the program, with the directory and environment it runs in.
type Terraform struct {
	Program     string
	Dir         string
	Environment []string
}

// NewTerraform is Terraform in a directory, which takes providers from where they
// were built, by their source addresses, and whose host is h.
func NewTerraform(program, dir string, providers map[string]string, h *testhost.Host, accelerator string) (Terraform, error) {
	var overrides strings.Builder
	for _, address := range slices.Sorted(maps.Keys(providers)) {
		fmt.Fprintf(&overrides, "    %q = %q\n", address, filepath.Dir(providers[address]))
	}
	config := filepath.Join(dir, "terraformrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides {\n%s  }\n  direct {}\n}\n", overrides.String())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return Terraform{}, fmt.Errorf("write Terraform's configuration: %w", err)
	}
	return Terraform{Program: program, Dir: dir, Environment: append(cleanEnvironment(),
		"TF_CLI_CONFIG_FILE="+config,
		"CHECKPOINT_DISABLE=1",
		"TMPDIR="+dir,
		"KVM_HOST_ADDRESS="+h.Address,
		"KVM_HOST_PORT="+strconv.Itoa(h.Port),
		"KVM_HOST_USER="+h.User,
		"KVM_HOST_PRIVATE_KEY_FILE="+h.PrivateKeyFile,
		"KVM_HOST_KEY="+h.HostKey,
		"KVM_HOST_DATA_DIR="+h.DataDir,
		"KVM_HOST_ACCELERATOR="+accelerator,
	)}, nil
}

// cleanEnvironment is the environment without what would change what Terraform
// or the provider do.
func cleanEnvironment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "TF_") && !strings.HasPrefix(entry, "KVM_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// FindProvider returns the absolute path of the provider, which it builds if it
// is not there.
func FindProvider(ctx context.Context, progress io.Writer, binary string) (string, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return "", fmt.Errorf("find the provider: %w", err)
	}
	if name := filepath.Base(binary); !strings.HasPrefix(name, "terraform-provider-kvm") {
		return "", fmt.Errorf("the provider is called %s: Terraform finds only terraform-provider-kvm", name)
	}
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	fmt.Fprintln(progress, "building the provider")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the provider: %w: %s", err, text)
	}
	return binary, nil
}

// Run runs a command of Terraform's to its end. Watch, if not nil, is called with
// its process once that is started. An error has what it said on standard error.
func (t Terraform) Run(ctx context.Context, out io.Writer, watch func(*os.Process), args ...string) (*os.ProcessState, error) {
	var failure bytes.Buffer
	cmd := exec.CommandContext(ctx, t.Program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.Dir, t.Environment, out, &failure
	// Terraform and its provider are a group of their own: a Ctrl-C at the
	// terminal reaches them once, through us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	err := cmd.Start()
	if err == nil {
		if watch != nil {
			watch(cmd.Process)
		}
		err = cmd.Wait()
	}
	if cmd.Process != nil && ctx.Err() != nil {
		// A terraform that had to be killed leaves its provider behind.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly there is none
	}
	if err != nil {
		err = fmt.Errorf("terraform %s: %w", args[0], err)
		if said := strings.TrimSpace(failure.String()); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
	}
	return cmd.ProcessState, err
}

// ProviderAddress is the source address of this provider.
const ProviderAddress = provider.Address
