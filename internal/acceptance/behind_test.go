package acceptance_test

// What tests do behind Terraform's back, and how they read what it says of that.

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// path is a file of the host's data directory.
func (l *lab) path(parts ...string) string {
	return filepath.Join(append([]string{l.DataDir}, parts...)...)
}

func edit(t *testing.T, file string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(shared.path(file))
	must(t, err)
	must(t, os.WriteFile(shared.path(file), []byte(change(string(text))), 0o600))
}

func editMetadata(t *testing.T, instance string, change func(map[string]any)) {
	t.Helper()
	edit(t, "instances/"+instance+"/instance.json", func(text string) string {
		record := map[string]any{}
		must(t, json.Unmarshal([]byte(text), &record))
		change(record)
		changed, err := json.Marshal(record)
		must(t, err)
		return string(changed) + "\n"
	})
}

func metadataOf(t *testing.T, instance string) map[string]any {
	t.Helper()
	record := map[string]any{}
	text, err := os.ReadFile(shared.path("instances", instance, "instance.json"))
	must(t, errors.Join(err, json.Unmarshal(text, &record)))
	return record
}

// tells wants a plan to have these words in this order, however its lines are
// broken and its columns aligned, and whether or not a sentence begins with them.
func tells(t *testing.T, plan string, parts ...string) {
	t.Helper()
	if !regexp.MustCompile("(?i)" + says(slices.Clone(parts)...).String()).MatchString(plan) {
		t.Errorf("%q is not in\n%s", parts, plan)
	}
}

// planOf is the part of a plan that is about an instance.
func planOf(plan, name string) string {
	start := strings.Index(plan, "# kvm_instance."+name+" ")
	if start < 0 {
		return ""
	}
	part := plan[start:]
	if end := regexp.MustCompile(`\n  # |\nPlan: `).FindStringIndex(part); end != nil {
		part = part[:end[0]]
	}
	return part
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to be within a minute")
		}
	}
}

// pid is an instance's QEMU process, proved to be it by its command line.
func (l *lab) pid(name string) (int, error) {
	record, err := os.ReadFile(filepath.Join(l.DataDir, "instances", name, "run", "control.pid"))
	if err != nil {
		return 0, err
	}
	var pid int
	if _, err := fmt.Sscan(string(record), &pid); err != nil {
		return 0, fmt.Errorf("the record of the process of %s: %w", name, err)
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return 0, err
	}
	if !strings.Contains(string(command), "guest="+name) {
		return 0, fmt.Errorf("process %d is not %s: %q", pid, name, command)
	}
	return pid, nil
}

// kill ends an instance's QEMU behind Terraform's back.
func (l *lab) kill(t *testing.T, name string) {
	t.Helper()
	pid, err := l.pid(name)
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	for range 100 {
		if _, err := l.pid(name); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("process %d of %s is still there", pid, name)
}

// qmp says something to an instance's QEMU behind Terraform's back, and waits
// until it is done.
func (l *lab) qmp(name, line string) error {
	conn, err := net.Dial("unix", filepath.Join(l.DataDir, "instances", name, "run", "qmp.sock"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintf(conn, `{"execute":"qmp_capabilities"}%s{"execute":"query-status","id":"done"}`+"\n", line); err != nil {
		return err
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"id": "done"`) {
			return nil
		}
	}
	return fmt.Errorf("QEMU of %s did not answer %s: %w", name, line, lines.Err())
}

// panics makes a guest's kernel panic, and waits until it has.
func (l *lab) panics(ctx context.Context, name string) error {
	c, err := l.client(ctx, name)
	if err != nil {
		return err
	}
	_, _ = c.Run(ctx, "(sleep 0.2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &") // it may not get to answer
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if err = l.isIn(name, lifecycle.Panicked)(ctx); err == nil || time.Now().After(end) {
			return err
		}
	}
}

func (l *lab) qmpOf(t *testing.T, name string, line func(*host.Instance) string) {
	t.Helper()
	inst, err := l.instance(t.Context(), name)
	must(t, err)
	must(t, l.qmp(name, line(inst)))
}
