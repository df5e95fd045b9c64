package instance

import (
	"context"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// A driver is what this package asks of a host; *host.Host is one.
type driver interface {
	// With an error, Create and Fork return what may have been made nevertheless.
	Create(context.Context, host.InstanceSpec) (*host.Instance, error)
	Fork(context.Context, host.ForkSpec) (*host.Instance, error)
	Start(context.Context, *host.Instance) error
	Restore(context.Context, *host.Instance) error
	Resume(context.Context, *host.Instance) error
	Standby(context.Context, *host.Instance) error
	Stop(context.Context, *host.Instance, time.Duration) error
	Awaken(context.Context, *host.Instance) error
	Addresses(context.Context, *host.Instance) (map[string][]string, error)
	Ready(context.Context, *host.Instance, host.Check) error
	Rollback(context.Context, *host.Instance, *host.Snapshot) error
	Check(context.Context, *host.Instance, host.Change) error
	Update(context.Context, *host.Instance, host.Change) error
	DeleteInstance(ctx context.Context, name, uid string) error
	Keep(ctx context.Context, ref host.Ref, uid string) error

	Instance(ctx context.Context, name string) (*host.Instance, error)
	Seed(context.Context, *host.Instance) ([]byte, error)
	KnownInstance(ctx context.Context, name string) (*host.Instance, error) // nil: it may not be there
	Orphans(ctx context.Context, name, uid string) ([]string, error)
	Snapshot(ctx context.Context, name string) (*host.Snapshot, error)
	KnownSnapshot(ctx context.Context, name string) (*host.Snapshot, error)
	Forget()
	RunsAsRoot() bool // once, after a guest was started so
}

var _ driver = (*host.Host)(nil)
