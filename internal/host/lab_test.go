package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/fetch"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// A lab is a real host and the driver of it.
type lab struct {
	*host.Host
	testhost *testhost.Host
	trips    *counter
	far      bool // its guests are reached through SSH only
	t        testing.TB
}

// newLab starts a host of the test's own.
func newLab(t testing.TB, opts testhost.Options) *lab { return newLabAs(t, opts, "") }

// newLabAs starts one whose QEMU becomes a user; "" for nobody.
func newLabAs(t testing.TB, opts testhost.Options, qemuUser string) *lab {
	t.Helper()
	l := connect(testhost.New(t, opts))
	l.QEMUUser = qemuUser
	t.Cleanup(func() { _ = l.Close() })
	l.t = t
	return l
}

func connect(th *testhost.Host) *lab { return connectWith(th, host.Prelude) }

func connectWith(th *testhost.Host, prelude string) *lab {
	cfg := wayTo(th)
	cfg.Prelude = prelude
	return connectBy(th, cfg)
}

func wayTo(th *testhost.Host) ssh.Config {
	return ssh.Config{
		Address: th.Address, Port: th.Port, User: th.User,
		PrivateKeyFile: th.PrivateKeyFile, HostKey: th.HostKey, Prelude: host.Prelude,
	}
}

func connectBy(th *testhost.Host, cfg ssh.Config) *lab {
	trips := &counter{Transport: ssh.New(cfg)}
	h := host.New(host.Config{Name: "lab", DataDir: th.DataDir, Accelerator: "tcg", QEMUBinary: host.DefaultQEMUBinary}, trips)
	return &lab{Host: h, testhost: th, trips: trips}
}

// common is the host that most tests share: a guest is booted there once, and
// the tests fork its snapshot.
var common struct {
	once   sync.Once
	lab    *lab
	token  string
	golden host.Ref
}

func shared(t *testing.T) *lab {
	t.Helper()
	common.once.Do(func() {
		th, err := testhost.Start(context.Background(), testhost.Options{})
		must(t, err)
		common.lab = connect(th)
		common.lab.t = t
		common.lab.putImages()
		base := common.lab.boot(baseSpec("base"))
		common.token = common.lab.token(base)
		_, err = common.lab.TakeSnapshot(context.Background(), host.SnapshotSpec{Name: "golden", Instance: "base"})
		must(t, err)
		common.golden = host.Ref{Kind: host.Snapshots, Name: "golden"}
	})
	if common.golden.Name == "" {
		t.Fatal("the shared host could not be set up")
	}
	l := *common.lab
	l.t = t
	return &l
}

func TestMain(m *testing.M) {
	status := m.Run()
	if l := common.lab; l != nil {
		if err := errors.Join(l.clean(), l.Close(), l.testhost.Close()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// fork makes a running fork of golden, which lives as long as the test.
func (l *lab) fork(name string) *host.Instance {
	l.t.Helper()
	return l.forkOf(name, common.golden)
}

func (l *lab) forkOf(name string, source host.Ref) *host.Instance {
	l.t.Helper()
	fork, err := l.Fork(context.Background(), host.ForkSpec{Name: name, Source: source})
	must(l.t, err)
	l.t.Cleanup(func() {
		if err := l.DeleteInstance(context.Background(), name, fork.UID); err != nil {
			l.t.Error(err)
		}
	})
	must(l.t, l.Restore(context.Background(), fork))
	l.await(fork)
	return fork
}

// path is a file of an object on the host.
func (l *lab) path(parts ...string) string {
	return filepath.Join(append([]string{l.testhost.DataDir}, parts...)...)
}

// must fails the test at once when err is not nil.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *lab) putImages() {
	l.t.Helper()
	guest, err := testhost.BuildGuest(context.Background())
	must(l.t, err)
	for name, path := range map[string]string{"vmlinuz": guest.Kernel, "initrd": guest.Initrd, "disk": guest.Disk} {
		l.putImage(name, path)
	}
}

func (l *lab) putImage(name, path string) {
	l.t.Helper()
	_, err := l.PutImage(context.Background(), host.ImageSpec{Name: name, Source: path}, opener(path))
	must(l.t, err)
}

func opener(path string) func(context.Context) (host.ImageSource, error) {
	return func(ctx context.Context) (host.ImageSource, error) { return fetch.Open(ctx, path) }
}

// baseSpec is the tiny guest, with its HTTP port forwarded.
func baseSpec(name string) host.InstanceSpec {
	return host.InstanceSpec{
		Name: name, Image: "disk", VCPUs: 1, MemoryMiB: 256,
		Kernel:     &host.KernelSpec{Image: "vmlinuz", Initrd: "initrd", CommandLine: testhost.CommandLine},
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80}}}},
	}
}

// boot makes the tiny guest and waits until it answers.
func (l *lab) boot(spec host.InstanceSpec) *host.Instance {
	l.t.Helper()
	inst, err := l.Create(context.Background(), spec)
	must(l.t, err)
	must(l.t, l.Start(context.Background(), inst))
	l.await(inst)
	return inst
}

func (l *lab) await(inst *host.Instance) {
	l.t.Helper()
	must(l.t, l.Ready(context.Background(), inst, host.Check{Kind: "http", Port: 80, Path: "/token", Timeout: time.Minute}))
}

func guestOf(inst *host.Instance) testhost.GuestClient {
	return testhost.GuestClient{URL: fmt.Sprintf("http://127.0.0.1:%d", inst.Forwards["lan"]["http"].HostPort)}
}

// guest is guestOf, wherever the host is.
func (l *lab) guest(inst *host.Instance) testhost.GuestClient {
	guest := guestOf(inst)
	if l.far {
		guest.HTTP = &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, address string) (net.Conn, error) { return l.trips.DialTCP(ctx, address) },
		}}
	}
	return guest
}

func (l *lab) token(inst *host.Instance) string {
	l.t.Helper()
	token, err := l.guest(inst).Token(context.Background())
	must(l.t, err)
	return token
}

func (l *lab) in(inst *host.Instance, command string) string {
	l.t.Helper()
	out, err := l.guest(inst).Run(context.Background(), command)
	must(l.t, err)
	return out
}

// clean removes whatever the tests have made, so that the host is found clean.
func (l *lab) clean() error {
	ctx := context.Background()
	l.Forget()
	instances, err := l.Instances(ctx)
	errs := []error{err}
	for _, inst := range instances {
		errs = append(errs, l.DeleteInstance(ctx, inst.Name, inst.UID))
	}
	snapshots, err := l.Snapshots(ctx)
	errs = append(errs, err)
	for _, snap := range snapshots {
		errs = append(errs, l.DeleteSnapshot(ctx, snap.Name, snap.UID))
	}
	networks, err := l.Networks(ctx)
	errs = append(errs, err)
	for _, n := range networks {
		errs = append(errs, l.DeleteNetwork(ctx, n.Name, n.UID))
	}
	images, err := l.Images(ctx)
	errs = append(errs, err)
	for _, image := range images {
		errs = append(errs, l.DeleteImage(ctx, image.Name, image.UID))
	}
	return errors.Join(errs...)
}

// A counter counts what crosses the transport.
type counter struct {
	host.Transport
	mu      sync.Mutex
	scripts []string
}

func (c *counter) Run(ctx context.Context, s ssh.Script) (ssh.Result, error) {
	c.mu.Lock()
	c.scripts = append(c.scripts, s.Name)
	c.mu.Unlock()
	begun := time.Now()
	r, err := c.Transport.Run(ctx, s)
	if os.Getenv("KVM_TEST_TRACE") != "" {
		fmt.Fprintf(os.Stderr, "%8.1f ms %s: status %d %v\n%s", float64(time.Since(begun).Microseconds())/1000, s.Name, r.Status, err, r.Stderr)
		if s.Atomic {
			fmt.Fprint(os.Stderr, r.Stdout)
		}
	}
	return r, err
}

// during returns the names of the scripts that do runs.
func (c *counter) during(do func()) []string {
	c.mu.Lock()
	c.scripts = nil
	c.mu.Unlock()
	do()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scripts
}

// qmp says something to a guest's QEMU behind the driver's back, and waits for
// the answer; it returns all that QEMU said.
func (l *lab) qmp(instance, line string) (said string) {
	l.t.Helper()
	cwd := l.path("instances", instance, "run")
	conn, err := net.Dial("unix", filepath.Join(cwd, "qmp.sock"))
	must(l.t, err)
	defer conn.Close()
	must(l.t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, `{"execute":"qmp_capabilities"}%s{"execute":"query-status","id":"done"}`+"\n", line)
	must(l.t, err)
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"id": "done"`) {
			return said
		}
		said += lines.Text() + "\n"
	}
	l.t.Fatalf("QEMU did not answer %s: %v", line, lines.Err())
	return ""
}
