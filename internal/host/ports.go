package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

// Host ports are chosen from this range: registered ports that Linux does not
// hand out to clients (its own begin at 32768, ip_local_port_range).
const (
	firstPort = 20000
	lastPort  = 32767
)

// withPorts gives the instance's forwards their host ports and has make claim
// them on the host. A port that was chosen here and is taken by the time it is
// claimed is chosen anew; one that was asked for is not.
func (h *Host) withPorts(ctx context.Context, c call, inst *Instance, asked map[string]InterfaceSpec, inherited map[string]map[string]qemu.Forward, make func(ports string) error) error {
	for try := 0; ; try++ {
		l, err := h.listOf(ctx, Ref{hosts, h.Name}, (*listing).isYoung) // what it lacks of claims the host finds
		if err != nil {
			return err
		}
		chosen, ok := h.ports.reserve(l.at, func(reserved func(int) bool) ([]int, bool) {
			return choosePorts(inst, asked, inherited, func(port int) bool { return l.taken[port] || reserved(port) })
		})
		switch unfit := checkObject(inst.UID, inst.Machine, inst.Forwards); {
		case !ok:
			err = c.fail(ErrPort, fmt.Sprintf("all from %d to %d are taken", firstPort, lastPort), "")
		case unfit != nil: // whoever asked for it
			err = c.invalid("%s", unfit)
		default:
			err = make(words(ports(inst.Forwards)))
		}
		h.ports.free(chosen, err == nil)
		if !errors.Is(err, ErrPort) || !ok || len(chosen) == 0 || try == 3 {
			return err
		}
		h.Forget()
	}
}

// choosePorts sets inst.Forwards from what was asked for and, for interfaces of
// which nothing was, from what is inherited, with new host ports. It returns
// those that it chose, and false if there were too few.
func choosePorts(inst *Instance, asked map[string]InterfaceSpec, inherited map[string]map[string]qemu.Forward, taken func(int) bool) (chosen []int, ok bool) {
	var named []int
	for _, spec := range asked {
		for _, f := range spec.Forwards {
			named = append(named, f.HostPort)
		}
	}
	const count = lastPort - firstPort + 1
	next, seen := rand.IntN(count), 0 // #nosec G404 -- a port is no secret
	choose := func(f qemu.Forward) qemu.Forward {
		for ; f.HostPort == 0 && seen < count; next, seen = (next+1)%count, seen+1 {
			if port := firstPort + next; !taken(port) && !slices.Contains(named, port) {
				f.HostPort = port
				chosen = append(chosen, port)
			}
		}
		ok = ok && f.HostPort != 0
		return f
	}
	ok = true
	inst.Forwards = map[string]map[string]qemu.Forward{}
	for _, nic := range inst.Machine.NICs {
		forwards := map[string]qemu.Forward{}
		if spec, named := asked[nic.Key]; named && spec.Forwards != nil {
			for key, f := range spec.Forwards {
				forwards[key] = choose(f)
			}
		} else {
			for key, f := range inherited[nic.Key] {
				f.HostPort = 0
				forwards[key] = choose(f)
			}
		}
		if len(forwards) > 0 {
			inst.Forwards[nic.Key] = forwards
		}
	}
	return chosen, ok
}

// ports are the host ports of forwards.
func ports(forwards map[string]map[string]qemu.Forward) []string {
	var numbers []string
	for _, nic := range slices.Sorted(maps.Keys(forwards)) {
		for _, key := range slices.Sorted(maps.Keys(forwards[nic])) {
			numbers = append(numbers, fmt.Sprint(forwards[nic][key].HostPort))
		}
	}
	return numbers
}

// words is a list of names or numbers of ours, as scripts take them.
func words(list []string) string { return strings.Join(list, " ") }

// without is list without those of others.
func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}

// A portSet keeps calls of this process from choosing the same port: those that go
// on at the same time, and one that goes by a listing from before another's end.
type portSet struct {
	mu       sync.Mutex
	reserved map[int]time.Time // when they were claimed; zero while the call is in hand
}

// reserve reserves the ports that choose returns, given those that are and that a
// listing that was begun at some time does not tell.
func (p *portSet) reserve(listed time.Time, choose func(reserved func(int) bool) ([]int, bool)) ([]int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reserved == nil {
		p.reserved = map[int]time.Time{}
	}
	chosen, ok := choose(func(port int) bool {
		claimed, is := p.reserved[port]
		return is && (claimed.IsZero() || !claimed.Before(listed))
	})
	for _, port := range chosen {
		p.reserved[port] = time.Time{}
	}
	return chosen, ok
}

// free ends a call's reservations. Ports that it claimed on the host are in the
// listings that are begun from now on.
func (p *portSet) free(ports []int, claimed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range ports {
		if claimed {
			p.reserved[port] = time.Now()
		} else {
			delete(p.reserved, port)
		}
	}
}
