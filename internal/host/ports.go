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
		l, err := h.known(ctx)
		if err != nil {
			return err
		}
		chosen, ok := h.ports.reserve(func(reserved map[int]bool) ([]int, bool) {
			return choosePorts(inst, asked, inherited, func(port int) bool { return l.taken[port] || reserved[port] })
		})
		switch unfit := checkObject(inst.UID, inst.Machine, inst.Forwards); {
		case !ok:
			err = c.fail(ErrPort, fmt.Sprintf("all from %d to %d are taken", firstPort, lastPort), "")
		case unfit != nil: // whoever asked for it
			err = c.invalid("%s", unfit)
		default:
			err = make(words(ports(inst.Forwards)))
		}
		h.ports.free(chosen)
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

// A portSet keeps calls of this process that go on at the same time from
// choosing the same port.
type portSet struct {
	mu       sync.Mutex
	reserved map[int]bool
}

// reserve reserves the ports that choose returns, given those that are.
func (p *portSet) reserve(choose func(reserved map[int]bool) ([]int, bool)) ([]int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reserved == nil {
		p.reserved = map[int]bool{}
	}
	chosen, ok := choose(p.reserved)
	for _, port := range chosen {
		p.reserved[port] = true
	}
	return chosen, ok
}

func (p *portSet) free(ports []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range ports {
		delete(p.reserved, port)
	}
}
