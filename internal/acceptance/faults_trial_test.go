package acceptance_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A trial is one operation with one fault at one moment.
type trial struct {
	operation
	*conductor
	lab    *lab
	t      *testing.T
	kind   fault
	prefix string
	proxy  *testhost.Proxy
	ws     *workspace
	apply  *exec.Cmd

	parallelism int // 0: the steps are in one order
}

// faultTimeout bounds an apply with a fault, however it goes.
const faultTimeout = 2 * time.Minute

// newTrial prepares a fault; of the zero fault nothing comes. at and n say when:
// see conductor.
func (l *lab) newTrial(t *testing.T, ws *workspace, prefix string, o operation, kind fault, at string, n int) *trial {
	t.Helper()
	proxy, err := testhost.StartProxy(l.Address, l.Port)
	must(t, err)
	t.Cleanup(func() { _ = proxy.Close() })
	c := &trial{operation: o, conductor: &conductor{n: n, at: at}, lab: l, t: t, kind: kind, prefix: prefix, proxy: proxy, ws: ws}
	dir, err := os.MkdirTemp("", "kvm-f-") // a socket's path has to be short
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if kind.strike != nil {
		c.fault = func(provider int) bool { return kind.strike(c, provider) }
	}
	c.listen(t, dir)
	return c
}

// config is a configuration of the trial's host and names.
func (c *trial) config(text string) string {
	return c.lab.provider(map[string]string{"address": quote("127.0.0.1"), "port": fmt.Sprint(c.proxy.Port)}) + strings.ReplaceAll(text, "$p", c.prefix)
}

// run does the operation, with the fault. It returns Terraform's status, and what
// it said.
func (c *trial) run() (status int, said string) {
	c.t.Helper()
	c.ws.write(c.config(c.target))
	faulty, err := buildFaulty()
	must(c.t, err)
	c.apply = c.ws.command("apply", "-auto-approve", "-parallelism="+strconv.Itoa(max(1, c.parallelism)))
	c.apply.Env = append(c.apply.Env, "TF_CLI_CONFIG_FILE="+faulty, "KVM_FAULTS_SOCKET="+c.socket)
	late := time.AfterFunc(faultTimeout, func() {
		c.t.Errorf("the apply takes more than %s", faultTimeout)
		killAll([]int{-c.apply.Process.Pid})
	})
	defer late.Stop()
	defer c.ws.keepState(c.t)()
	out, err := c.apply.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	must(c.t, err)
	return 0, string(out)
}

// check is the whole life of a trial; it reports whether its fault came.
func (c *trial) check() bool {
	c.t.Helper()
	o := &oracle{trial: c}
	if c.needs != nil {
		must(c.t, c.needs(c.t.Context()))
	}
	if c.setup != "" {
		c.ws.write(c.config(c.setup))
		c.ws.want(0, "apply", "-auto-approve")
	}
	o.mark()
	o.remember()
	status, said := c.run()
	_, struck := c.seen()
	if c.t.Failed() {
		c.t.Fatal(said)
	}
	if struck != "" || c.kind.strike == nil {
		o.rightAfter(status)
		o.mended(struck)
	}
	o.gone()
	if c.t.Failed() {
		c.t.Logf("the apply with the fault, at step %d, %s: status %d:\n%s", c.n, struck, status, said)
	}
	return struck != ""
}
