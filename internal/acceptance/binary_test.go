package acceptance_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
)

// buildProvider builds the provider's program once, and configures Terraform to
// use it; buildFaulty that of which a test decides what becomes of its steps.
var (
	buildProvider = sync.OnceValues(func() (config string, err error) { return build("provider", "../..") })
	buildFaulty   = sync.OnceValues(func() (config string, err error) { return build("faulty", "./faulty") })
)

func build(name, source string) (config string, err error) {
	dir := filepath.Join(filepath.Dir(os.Getenv("TF_CLI_CONFIG_FILE")), name)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "terraform-provider-kvm"), source)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the provider: %w: %s", err, out)
	}
	config = filepath.Join(dir, "terraformrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { %q = %q }\n  direct {}\n}\n", provider.Address, dir)
	return config, os.WriteFile(config, []byte(text), 0o600)
}

// A workspace is a directory in which terraform runs with the provider's program.
type workspace struct {
	t      *testing.T
	dir    string
	config string
	env    []string // more of terraform's environment
}

// newWorkspace makes a workspace of which nothing is left when the test ends.
func newWorkspace(t *testing.T, config string) *workspace {
	t.Helper()
	w := bareWorkspace(t, config)
	t.Cleanup(func() {
		if status, out := w.terraform("destroy", "-auto-approve"); status != 0 {
			t.Errorf("destroy: status %d: %s", status, out)
		}
	})
	return w
}

// bareWorkspace makes one of which the test itself destroys what it makes.
func bareWorkspace(t *testing.T, config string) *workspace {
	t.Helper()
	cli, err := buildProvider()
	must(t, err)
	w := &workspace{t: t, dir: t.TempDir(), config: cli}
	source := strings.TrimPrefix(provider.Address, "registry.terraform.io/")
	must(t, os.WriteFile(filepath.Join(w.dir, "versions.tf"), fmt.Appendf(nil, "terraform {\n  required_providers { kvm = { source = %q } }\n}\n", source), 0o600))
	w.write(config)
	return w
}

func (w *workspace) write(config string) {
	w.t.Helper()
	must(w.t, os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(config), 0o600))
}

func (w *workspace) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv("TF_ACC_TERRAFORM_PATH"), args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+w.config, "TF_INPUT=0",
		"TF_CLI_ARGS_plan=-no-color", "TF_CLI_ARGS_apply=-no-color", "TF_CLI_ARGS_destroy=-no-color")
	cmd.Env = append(cmd.Env, w.env...)
	// A group of its own, as in a terminal, where Ctrl-C goes to all of it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (w *workspace) terraform(args ...string) (status int, output string) {
	w.t.Helper()
	out, err := w.command(args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	must(w.t, err)
	return 0, string(out)
}

func (w *workspace) want(status int, args ...string) string {
	w.t.Helper()
	got, out := w.terraform(args...)
	if got != status {
		w.t.Fatalf("terraform %v ended with status %d; want %d:\n%s", args, got, status, out)
	}
	return out
}

func TestPlan_TellsDriftByItsExitStatus(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t, fork("exit"))
	w.want(2, "plan", "-detailed-exitcode")
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	shared.kill(t, "exit")
	if plan := w.want(2, "plan", "-detailed-exitcode"); !regexp.MustCompile(`state\s+= "stopped" -> "running"`).MatchString(plan) || !strings.Contains(plan, "0 to add, 1 to change, 0 to destroy") {
		t.Errorf("the plan does not tell the drift:\n%s", plan)
	}
	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	must(t, shared.isIn("exit", lifecycle.Running)(t.Context()))
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "exit")()
}

// TestApply_ThatIsInterruptedIsTakenUpAgain presses Ctrl-C when the first of
// several forks is there. What is then on the host is what the state has, and
// the next apply does the rest.
func TestApply_ThatIsInterruptedIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	const forks = 6
	w := newWorkspace(t, fmt.Sprintf(`resource "kvm_instance" "fork" {
		for_each = toset([for i in range(%d) : tostring(i)])
		name     = "ctrl-c-${each.key}"
		fork_of  = "default/snapshots/golden"
		ready    = { check = "http", port = 80, path = "/token" }
	}`, forks))
	apply := w.command("apply", "-auto-approve", "-parallelism=2")
	var said strings.Builder
	var failures bytes.Buffer
	out, err := apply.StdoutPipe()
	must(t, err)
	apply.Stderr = &failures
	must(t, apply.Start())
	// Terraform ends by itself once it is interrupted; this is for when it does not.
	defer time.AfterFunc(2*time.Minute, func() { _ = syscall.Kill(-apply.Process.Pid, syscall.SIGKILL) }).Stop()
	interrupted := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if !interrupted && strings.Contains(lines.Text(), "Creation complete") {
			interrupted = true
			must(t, syscall.Kill(-apply.Process.Pid, syscall.SIGINT))
		}
	}
	err = apply.Wait()
	said.Write(failures.Bytes())
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(said.String(), "Interrupt received") {
		t.Errorf("the interrupted apply: %v:\n%s", err, said.String())
	}
	there, err := shared.objects(t.Context(), "ctrl-c")
	must(t, err)
	if len(there) == 0 || len(there) == forks {
		t.Errorf("on the host after the interruption: %v; want some of the %d forks:\n%s", there, forks, said.String())
	}
	var known []string
	for line := range strings.Lines(w.want(0, "state", "list")) {
		key := strings.Trim(strings.TrimPrefix(strings.TrimSpace(line), "kvm_instance.fork"), `[]"`)
		known = append(known, "instances/ctrl-c-"+key)
	}
	if slices.Sort(known); !slices.Equal(known, there) {
		t.Errorf("the state has %v, the host %v:\n%s", known, there, said.String())
	}

	w.want(0, "apply", "-auto-approve")
	w.want(0, "plan", "-detailed-exitcode")
	for i := range forks {
		must(t, shared.hasToken(fmt.Sprintf("ctrl-c-%d", i), &shared.token)(t.Context()))
	}
	w.want(0, "destroy", "-auto-approve")
	shared.nothing(t, "ctrl-c")()
}

// keepState remembers Terraform's state, and returns what puts it back where
// Terraform has lost it: interrupted twice, it may truncate its local file and end
// before it has written it ("data loss may have occurred"). Who has no other copy
// has to import what there is.
func (w *workspace) keepState(t *testing.T) (restore func()) {
	t.Helper()
	file := filepath.Join(w.dir, "terraform.tfstate")
	before, _ := os.ReadFile(file) // there may be none yet
	return func() {
		now, err := os.ReadFile(file)
		if err == nil && len(now) == 0 && len(before) > 0 {
			t.Log("Terraform has left an empty state, and gets that from before the apply")
			must(t, os.WriteFile(file, before, 0o600))
		}
	}
}
