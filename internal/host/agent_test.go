package host_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testguest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

var debian = host.Ref{Kind: host.Snapshots, Name: testguest.Debian}

// newDebianLab is a host that has the snapshot of a Debian that runs, for a test that
// runs beside others.
func newDebianLab(t *testing.T) *lab {
	t.Helper()
	t.Parallel()
	l := newLab(t, testhost.Options{})
	_, err := testguest.PutDebian(t.Context(), l.testhost.DataDir)
	must(t, err)
	t.Cleanup(func() {
		snap, err := l.Snapshot(context.Background(), debian.Name)
		must(t, err)
		must(t, l.DeleteSnapshot(context.Background(), debian.Name, snap.UID))
	})
	return l
}

// forkDebian makes a fork that goes on and has not been told so.
func (l *lab) forkDebian(spec host.ForkSpec) *host.Instance {
	l.t.Helper()
	if spec.Source.Name == "" {
		spec.Source = debian
	}
	fork, err := l.Fork(context.Background(), spec)
	must(l.t, err)
	l.t.Cleanup(func() { must(l.t, l.DeleteInstance(context.Background(), fork.Name, fork.UID)) })
	if fork.State == "standby" {
		must(l.t, l.Restore(context.Background(), fork))
	}
	return fork
}

// inGuest is what a command printed that the guest's agent ran.
func (l *lab) inGuest(inst *host.Instance, command string) string {
	l.t.Helper()
	return l.agent(inst, host.GuestExec(command))
}

// agent is what the guest-exec of a line printed, which must succeed.
func (l *lab) agent(inst *host.Instance, line string) string {
	l.t.Helper()
	result, err := l.trips.Run(context.Background(), ssh.Script{Text: host.AgentScript + `
lock "$1"
cd "$1" && runs control "$2" && listen >/dev/null && converse 30 >/dev/null && run_in_guest "$3" 60 || fail $FAILED "$said"`,
		Args: []string{l.path("instances", inst.Name), inst.UID, line}})
	must(l.t, err)
	var answer struct {
		Return struct {
			ExitCode int    `json:"exitcode"`
			Out      string `json:"out-data"`
		} `json:"return"`
	}
	lines := strings.Split(strings.TrimSpace(result.Stdout), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &answer); err != nil || answer.Return.ExitCode != 0 {
		l.t.Fatalf("%s: %q, %q, %v", line, result.Stdout, result.Stderr, err)
	}
	out, err := base64.StdEncoding.DecodeString(answer.Return.Out)
	must(l.t, err)
	return strings.TrimSpace(string(out))
}

// self is who a guest takes itself for.
type self struct{ hostname, hosts, machineID, key string }

func (l *lab) selfOf(inst *host.Instance) self {
	l.t.Helper()
	lines := strings.Split(l.inGuest(inst, `hostname; grep -c "^127.0.1.1 $(hostname).example.com $(hostname)\$" /etc/hosts; cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), "\n")
	if len(lines) != 4 {
		l.t.Fatalf("%q; want a host name, a count, a machine ID and a key", lines)
	}
	return self{lines[0], lines[1], lines[2], strings.Fields(lines[3])[1]}
}

// clockError is by how much a guest's clock is off.
func (l *lab) clockError(inst *host.Instance) time.Duration {
	l.t.Helper()
	before := time.Now()
	seconds, err := strconv.ParseFloat(l.inGuest(inst, "date +%s.%N"), 64)
	must(l.t, err)
	after := time.Now()
	its := time.UnixMicro(int64(seconds * 1e6))
	switch {
	case its.Before(before):
		return before.Sub(its)
	case its.After(after):
		return its.Sub(after)
	}
	return 0
}

func TestAwaken_MakesAnotherMachineOfEachFork(t *testing.T) {
	l := newDebianLab(t)
	plain := l.forkDebian(host.ForkSpec{Name: "plain"})
	// A snapshot of an hour ago is one of which the clock stood an hour back.
	l.inGuest(plain, `date -s @$(($(date +%s) - 3600)); echo "127.0.1.1 $(hostname).example.com $(hostname)" >>/etc/hosts`)
	parent := l.selfOf(plain)
	old, err := l.TakeSnapshot(t.Context(), host.SnapshotSpec{Name: "old", Instance: "plain"})
	must(t, err)
	t.Cleanup(func() { must(t, l.DeleteSnapshot(context.Background(), "old", old.UID)) })

	forks := map[string]self{"plain": parent}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, name := range []string{"web-a", "web-b"} {
		all.Go(func() {
			fork := l.forkDebian(host.ForkSpec{
				Name: name, Source: host.Ref{Kind: host.Snapshots, Name: "old"},
				Renewal: host.Renewal{Hostname: name, MachineID: true, SSHHostKeys: true, Commands: []string{`echo "$(hostname)" >/root/forked`}},
			})
			must(t, l.Awaken(context.Background(), fork))
			if off := l.clockError(fork); off > time.Second {
				t.Errorf("the clock of %s is off by %s; want at most 1 s", name, off)
			}
			mine := l.selfOf(fork)
			if mine.hostname != name || mine.hosts != "1" || l.inGuest(fork, "cat /root/forked") != name {
				t.Errorf("%s is %+v", name, mine)
			}
			if read, err := l.Instance(context.Background(), name); err != nil || read.Renewal != nil || read.NeedsAwakening() {
				t.Errorf("%+v, %v; want nothing left to tell", read, err)
			}
			mu.Lock()
			defer mu.Unlock()
			forks[name] = mine
		})
	}
	all.Wait()
	ids, keys := map[string]bool{}, map[string]bool{}
	for _, it := range forks {
		ids[it.machineID], keys[it.key] = true, true
	}
	if len(ids) != 3 || len(keys) != 3 {
		t.Errorf("%d machine IDs and %d host keys; want 3 of each: %v", len(ids), len(keys), forks)
	}
	if now := l.selfOf(plain); now != parent {
		t.Errorf("the source is %+v; want %+v", now, parent)
	}
}

func TestAwaken_LeavesAnInstanceThatWasInStandbyWhoItIs(t *testing.T) {
	l := newDebianLab(t)
	inst := l.forkDebian(host.ForkSpec{Name: "web", Renewal: host.Renewal{Hostname: "web", MachineID: true}})
	must(t, l.Awaken(t.Context(), inst))
	before := l.selfOf(inst)
	must(t, l.Standby(t.Context(), inst))
	time.Sleep(3 * time.Second) // for its clock to fall behind
	must(t, l.Restore(t.Context(), inst))
	if !inst.NeedsAwakening() {
		t.Error("it does not need to be told the time")
	}
	must(t, l.Awaken(t.Context(), inst))
	if after := l.selfOf(inst); after != before {
		t.Errorf("it is %+v; want %+v", after, before)
	}
	if off := l.clockError(inst); off > time.Second {
		t.Errorf("its clock is off by %s; want at most 1 s", off)
	}
}

func TestAwaken_ShowsWhatACommandSaidThatFailed(t *testing.T) {
	l := newDebianLab(t)
	fork := l.forkDebian(host.ForkSpec{Name: "web", Renewal: host.Renewal{Commands: []string{"true", "echo 'no such thing' >&2; exit 3", "touch /root/never"}}})
	err := l.Awaken(t.Context(), fork)
	if !errors.Is(err, host.ErrFailed) || !strings.Contains(fmt.Sprint(err), "on_fork[1] in the guest ended with status 3: no such thing") {
		t.Errorf("%v; want what the second command said", err)
	}
	if said := l.inGuest(fork, "ls /root/never 2>&1 || :"); !strings.Contains(said, "No such file") {
		t.Error("the third command was run")
	}
	if read, err := l.Instance(t.Context(), "web"); err != nil || !read.NeedsAwakening() {
		t.Errorf("%+v, %v; want it to be told again", read, err)
	}
}

func TestAgent_ThatFloodsItsChannelHarmsNobody(t *testing.T) {
	l := newDebianLab(t)
	inst := l.forkDebian(host.ForkSpec{Name: "web"})
	l.inGuest(inst, `systemd-run --collect sh -c 'sleep 3; systemctl stop qemu-guest-agent; timeout 20 cat /dev/zero >/dev/virtio-ports/org.qemu.guest_agent.0; systemctl start qemu-guest-agent'`)
	time.Sleep(8 * time.Second) // the agent is to answer before it is stopped
	begun := time.Now()
	if _, err := l.Addresses(t.Context(), inst); err == nil {
		t.Error("it has addresses; want none of a guest that says nothing but zeros")
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("to look took %s; want a short try", took)
	}
	if channel, err := os.Stat(filepath.Join(l.path("instances", "web", "run"), "agent.out")); err != nil || channel.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the channel is %v, %v; want a FIFO, which holds little", channel, err)
	}
	must(t, l.Ready(t.Context(), inst, host.Check{Kind: "agent", Timeout: time.Minute}))
	if found, err := l.Addresses(t.Context(), inst); err != nil || len(found["lan"]) == 0 || found["lan"][0] != "10.0.2.15" {
		t.Errorf("%v, %v; want lan to have 10.0.2.15", found, err)
	}
}

func TestStop_IsDoneByTheAgentWhereThePowerButtonIsIgnored(t *testing.T) {
	l := newDebianLab(t)
	inst := l.forkDebian(host.ForkSpec{Name: "web"})
	l.inGuest(inst, `mkdir -p /etc/systemd/logind.conf.d && printf '[Login]\nHandlePowerKey=ignore\n' >/etc/systemd/logind.conf.d/ignore.conf && systemctl restart systemd-logind`)
	must(t, l.Stop(t.Context(), inst, 2*time.Minute))
	read, err := l.Instance(t.Context(), "web")
	must(t, err)
	if read.Ended != "guest-shutdown" {
		t.Errorf("it ended by %q; want guest-shutdown", read.Ended)
	}
}

func TestAgent_ThatIsNotThereIsSaidSoAndKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	l := newLab(t, testhost.Options{})
	l.putImages()
	spec := baseSpec("web")
	spec.Agent = true // which the tiny guest has not
	inst := l.boot(spec)
	t.Cleanup(func() { must(t, l.clean()) })
	err := l.Ready(t.Context(), inst, host.Check{Kind: "agent", Timeout: 2 * time.Second})
	if !errors.Is(err, host.ErrNotReady) || !strings.Contains(fmt.Sprint(err), "no guest agent has opened its channel") {
		t.Errorf("%v; want that there is no agent", err)
	}
	begun := time.Now()
	if _, err := l.Addresses(t.Context(), inst); err == nil || time.Since(begun) > 2*time.Second {
		t.Errorf("%v after %s; want an error at once", err, time.Since(begun))
	}
	begun = time.Now()
	must(t, l.Stop(t.Context(), inst, 30*time.Second))
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("to stop it took %s; want its power button pressed at once", took)
	}
	must(t, l.Start(t.Context(), inst))
	must(t, l.Standby(t.Context(), inst))
	must(t, l.Restore(t.Context(), inst))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := l.Awaken(ctx, inst); !strings.Contains(fmt.Sprint(err), "no guest agent has opened its channel") || !strings.Contains(fmt.Sprint(err), "guest_agent = false") {
		t.Errorf("%v; want that there is no agent, and what to do", err)
	}
}
