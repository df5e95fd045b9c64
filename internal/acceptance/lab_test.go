package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
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

// A lab is a test host and, beside the provider's, a driver of it, with which
// tests see and do what Terraform does not.
type lab struct {
	*testhost.Host
	driver *host.Host
	guest  testhost.Guest
	token  string // of the guest that golden is a snapshot of

	link *testhost.Link // in whose namespace it is; nil: in this one
	http *http.Client   // that reaches its guests through it; nil: they are reached directly

	others []string // uids of networks that were there before it
}

// labs are all that are not closed yet.
var labs struct {
	sync.Mutex
	open []*lab
}

func startLab(ctx context.Context, opts testhost.Options) (*lab, error) {
	guest, err := testhost.BuildGuest(ctx)
	if err != nil {
		return nil, err
	}
	th, err := testhost.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	l := &lab{Host: th, guest: guest, link: opts.Link}
	transport := ssh.New(ssh.Config{
		Address: l.Address, Port: l.Port, User: l.User,
		PrivateKeyFile: l.PrivateKeyFile, HostKey: l.HostKey, Prelude: host.Prelude,
	})
	l.driver = host.New(host.Config{Name: "default", DataDir: l.DataDir, Accelerator: "tcg", QEMUBinary: host.DefaultQEMUBinary}, transport)
	if l.link != nil {
		l.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return transport.DialTCP(ctx, address)
		}}}
	}
	labs.Lock()
	defer labs.Unlock()
	labs.open = append(labs.open, l)
	return l, nil
}

// newLab starts a host of the test's own, which Terraform must leave clean.
func newLab(t *testing.T, opts testhost.Options) *lab {
	t.Helper()
	l, err := startLab(t.Context(), opts)
	must(t, err)
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func closeLabs() error {
	labs.Lock()
	open := slices.Clone(labs.open)
	labs.Unlock()
	var failures []error
	for _, l := range open {
		if l == shared {
			failures = append(failures, l.clean())
		}
		failures = append(failures, l.close())
	}
	return errors.Join(failures...)
}

// close ends the host. What is left on it is an error.
func (l *lab) close() error {
	labs.Lock()
	labs.open = slices.DeleteFunc(labs.open, func(other *lab) bool { return other == l })
	labs.Unlock()
	_ = l.driver.Close()
	return l.Close()
}

// seed makes a host with base, and golden, a snapshot of it, as all tests share one.
func seed(ctx context.Context, opts testhost.Options) (*lab, error) {
	l, err := startLab(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := l.putImages(ctx); err != nil {
		return l, err
	}
	base, err := l.driver.Create(ctx, host.InstanceSpec{
		Name: "base", Image: "disk", VCPUs: 1, MemoryMiB: 128,
		Kernel: &host.KernelSpec{Image: "vmlinuz", Initrd: "initrd", CommandLine: testhost.CommandLine},
		Interfaces: map[string]host.InterfaceSpec{"lan": {Type: "user", Forwards: map[string]qemu.Forward{
			"http": {Protocol: "tcp", HostAddress: "127.0.0.1", GuestPort: 80},
		}}},
	})
	if err != nil {
		return l, err
	}
	if err := l.driver.Start(ctx, base); err != nil {
		return l, err
	}
	if l.token, err = l.tokenOf(ctx, "base"); err != nil {
		return l, err
	}
	golden, err := l.driver.TakeSnapshot(ctx, host.SnapshotSpec{Name: "golden", Instance: "base"})
	if err != nil {
		return l, err
	}
	return l, errors.Join(l.keep(ctx, "instances/base", base.UID), l.keep(ctx, "snapshots/golden", golden.UID))
}

// putImages puts the guest's files on the host.
func (l *lab) putImages(ctx context.Context) error {
	return errors.Join(l.putImage(ctx, "vmlinuz", l.guest.Kernel), l.putImage(ctx, "initrd", l.guest.Initrd), l.putImage(ctx, "disk", l.guest.Disk))
}

func (l *lab) putImage(ctx context.Context, name, path string) error {
	open := func(ctx context.Context) (host.ImageSource, error) { return fetch.Open(ctx, path) }
	image, err := l.driver.PutImage(ctx, host.ImageSpec{Name: name, Source: path}, open)
	if err != nil {
		return err
	}
	return l.keep(ctx, "images/"+name, image.UID)
}

// keep says that an object is known, as Terraform does of what it made.
func (l *lab) keep(ctx context.Context, object, uid string) error {
	kind, name, _ := strings.Cut(object, "/")
	return l.driver.Keep(ctx, host.Ref{Kind: host.Kind(kind), Name: name}, uid)
}

// clean removes what seed has made. What tests have made they remove themselves.
func (l *lab) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(l.remove(ctx, "instances/base"), l.remove(ctx, "snapshots/golden"),
		l.remove(ctx, "images/disk"), l.remove(ctx, "images/vmlinuz"), l.remove(ctx, "images/initrd"))
}

// remove deletes an object with the driver; one that is not there is as good.
func (l *lab) remove(ctx context.Context, object string) error {
	kind, name, _ := strings.Cut(object, "/")
	l.driver.Forget()
	var err error
	switch host.Kind(kind) {
	case host.Instances:
		var inst *host.Instance
		if inst, err = l.driver.Instance(ctx, name); err == nil {
			err = l.driver.DeleteInstance(ctx, name, inst.UID)
		}
	case host.Snapshots:
		var snap *host.Snapshot
		if snap, err = l.driver.Snapshot(ctx, name); err == nil {
			err = l.driver.DeleteSnapshot(ctx, name, snap.UID)
		}
	case host.Volumes:
		var volume *host.Volume
		if volume, err = l.driver.Volume(ctx, name); err == nil {
			err = l.driver.DeleteVolume(ctx, name, volume.UID)
		}
	case host.Networks:
		var network *host.Network
		if network, err = l.driver.Network(ctx, name); err == nil {
			err = l.driver.DeleteNetwork(ctx, name, network.UID)
		}
	default:
		var image *host.Image
		if image, err = l.driver.Image(ctx, name); err == nil {
			err = l.driver.DeleteImage(ctx, name, image.UID)
		}
	}
	if errors.Is(err, host.ErrNotFound) {
		return nil
	}
	return err
}

// objects lists what is on the host with a name that begins so, as
// "instances/web-a".
func (l *lab) objects(ctx context.Context, prefix string) ([]string, error) {
	l.driver.Forget()
	instances, err := l.driver.Instances(ctx)
	if err != nil {
		return nil, err
	}
	snapshots, err := l.driver.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	images, err := l.driver.Images(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	add := func(kind host.Kind, name string) {
		if strings.HasPrefix(name, prefix) {
			found = append(found, host.Ref{Kind: kind, Name: name}.String())
		}
	}
	for _, inst := range instances {
		add(host.Instances, inst.Name)
	}
	for _, snap := range snapshots {
		add(host.Snapshots, snap.Name)
	}
	for _, image := range images {
		add(host.Images, image.Name)
	}
	volumes, err := l.driver.Volumes(ctx)
	if err != nil {
		return nil, err
	}
	for _, volume := range volumes {
		add(host.Volumes, volume.Name)
	}
	networks, err := l.driver.Networks(ctx)
	if err != nil {
		return nil, err
	}
	for _, network := range networks {
		add(host.Networks, network.Name)
	}
	return found, nil
}

// instance reads an instance as it is now.
func (l *lab) instance(ctx context.Context, name string) (*host.Instance, error) {
	l.driver.Forget()
	return l.driver.Instance(ctx, name)
}

// client is the way to a guest, which answers.
func (l *lab) client(ctx context.Context, name string) (testhost.GuestClient, error) {
	inst, err := l.instance(ctx, name)
	if err != nil {
		return testhost.GuestClient{}, err
	}
	port := inst.Forwards["lan"]["http"].HostPort
	if port == 0 {
		return testhost.GuestClient{}, fmt.Errorf("instance %s has no forward http: %+v", name, inst.Forwards)
	}
	c := testhost.GuestClient{URL: fmt.Sprintf("http://127.0.0.1:%d", port), HTTP: l.http}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c, c.Wait(ctx)
}

// tokenOf is what a guest made at boot and has in its memory only.
func (l *lab) tokenOf(ctx context.Context, name string) (string, error) {
	c, err := l.client(ctx, name)
	if err != nil {
		return "", err
	}
	return c.Token(ctx)
}

// must fails the test at once when err is not nil.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// provider is the configuration of a provider that knows l as the host
// "default", each argument of which may be another: HCL by name.
func (l *lab) provider(others map[string]string) string {
	arguments := map[string]string{
		"address": quote(l.Address), "port": fmt.Sprint(l.Port), "user": quote(l.User),
		"private_key_file": quote(l.PrivateKeyFile), "host_key": quote(l.HostKey),
		"data_dir": quote(l.DataDir), "accelerator": quote("tcg"),
	}
	maps.Copy(arguments, others)
	var b strings.Builder
	b.WriteString("provider \"kvm\" {\n  hosts = {\n    default = {\n")
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		fmt.Fprintf(&b, "      %s = %s\n", name, arguments[name])
	}
	b.WriteString("    }\n  }\n}\n")
	return b.String()
}

// quote is text as an HCL string.
func quote(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(text))
}

func (l *lab) counter(ctx context.Context, name string) (int, error) {
	c, err := l.client(ctx, name)
	if err != nil {
		return 0, err
	}
	return c.Counter(ctx)
}
