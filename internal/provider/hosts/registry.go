// Package hosts holds the hosts of the provider's configuration: each is one
// driver for the provider's life, made when it is first used.
package hosts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// What is wrong with a host's name, for errors.Is.
var (
	// ErrNotYet: the provider's configuration depends on what an apply has yet to
	// make. It is an error where a host is used, never while one is planned for.
	ErrNotYet        = errors.New("not known yet")
	ErrNotConfigured = errors.New("not configured")
)

// An Entry is one host of the configuration.
type Entry struct {
	Host host.Config
	SSH  ssh.Config

	// Unknown is the argument whose value is not known yet; "" when all are.
	Unknown string
}

// A Registry finds hosts by name. Its methods are safe for concurrent use.
type Registry struct {
	entries     map[string]Entry
	drivers     map[string]func() *host.Host
	defaultName string
	unknown     string // what of the whole is not known yet; "" when all is
	dial        Dial
}

// Dial is how a host is reached. Nothing is connected before it is used.
type Dial func(ssh.Config) host.Transport

// New returns the hosts of entries. defaultName may be "": the default is then
// the only entry there is.
func New(entries map[string]Entry, defaultName string) *Registry {
	r := &Registry{
		entries: entries, defaultName: defaultName, drivers: map[string]func() *host.Host{},
		dial: func(c ssh.Config) host.Transport { return ssh.New(c) },
	}
	if defaultName == "" && len(entries) == 1 {
		r.defaultName = r.Names()[0]
	}
	for name, entry := range entries {
		r.drivers[name] = sync.OnceValue(func() *host.Host { return host.New(entry.Host, r.dial(entry.SSH)) })
	}
	return r
}

// Unknown returns a registry of hosts that are not known yet.
func Unknown() *Registry { return &Registry{unknown: "hosts"} }

// WithUnknownDefault says that default_host is set and not known yet.
func (r *Registry) WithUnknownDefault() *Registry {
	r.unknown, r.defaultName = "default_host", ""
	return r
}

// Over has the hosts reached in another way than by package ssh.
func (r *Registry) Over(dial Dial) *Registry {
	r.dial = dial
	return r
}

// Names lists the hosts in order.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.entries)) }

// Resolve returns the name of a host that is configured: name, or the default
// for "". ErrNotYet when that cannot be said yet.
func (r *Registry) Resolve(name string) (string, error) {
	_, configured := r.entries[name]
	switch {
	case configured:
		return name, nil
	case r.unknown == "hosts", name == "" && r.unknown != "":
		return "", notYet("the provider's " + r.unknown)
	case name != "":
		return "", fmt.Errorf("host %q is %w: the provider knows %s", name, ErrNotConfigured, list(r.Names()))
	case r.defaultName == "":
		return "", fmt.Errorf("there are several hosts (%s) and no default: set host here, or default_host in the provider's configuration", list(r.Names()))
	}
	return r.defaultName, nil
}

// Host returns the driver of a host. Nothing is dialled.
func (r *Registry) Host(name string) (*host.Host, error) {
	name, err := r.Resolve(name)
	if err != nil {
		return nil, err
	}
	if argument := r.entries[name].Unknown; argument != "" {
		return nil, notYet(fmt.Sprintf("the %s of host %q", argument, name))
	}
	return r.drivers[name](), nil
}

// Find returns a host and its name, by that or "" for the default. Where it cannot,
// the name is the one that was asked for.
func (r *Registry) Find(wanted string) (*host.Host, string, error) {
	name, err := r.Resolve(wanted)
	if err != nil {
		return nil, wanted, err
	}
	h, err := r.Host(name)
	return h, name, err
}

// List returns the objects of one kind on a host, and its name, as Find does.
func List[T any](ctx context.Context, r *Registry, wanted string, all func(*host.Host, context.Context) ([]T, error)) ([]T, string, error) {
	h, name, err := r.Find(wanted)
	if err != nil {
		return nil, name, err
	}
	objects, err := all(h, ctx)
	return objects, name, err
}

// Locate reads what a user gives to import: an id, or the bare name of an
// object on the default host.
func (r *Registry) Locate(text string, kind host.Kind) (ID, error) {
	if strings.Contains(text, "/") {
		return ParseID(text, kind)
	}
	if !host.NamePattern.MatchString(text) {
		return ID{}, fmt.Errorf("%q is neither an id (HOST/%s/NAME) nor a name", text, kind)
	}
	name, err := r.Resolve("")
	if err != nil {
		return ID{}, err
	}
	return ID{Host: name, Kind: kind, Name: text}, nil
}

func notYet(what string) error {
	return fmt.Errorf("%s is %w: it depends on something that is not applied; apply that first, for example with -target", what, ErrNotYet)
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
