package acceptance_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// A garden is what a soak has declared, and changes at random.
type garden struct {
	*rand.Rand
	prefix    string
	instances map[string]*plant
	snapshots map[string]*plant // what was taken, as it was then
	made      int
}

// A plant is a declared instance.
type plant struct {
	source  string // golden, or $p and the name of an instance or a snapshot of the garden
	state   string
	labels  int
	ssh     bool   // a second forward
	restore string // the snapshot it was rolled back to
	cold    bool   // its memory may be another than golden's
	of      string // of a snapshot: whose it is
}

func newGarden(prefix string, random *rand.Rand) *garden {
	return &garden{Rand: random, prefix: prefix, instances: map[string]*plant{}, snapshots: map[string]*plant{}}
}

func (g *garden) clear() { clear(g.instances); clear(g.snapshots); g.made = -1 }

// change makes one to three changes, none to what another is about, and says which.
func (g *garden) change() string {
	if g.made < 0 {
		return "remove all"
	}
	var said []string
	free := slices.Concat(names("instances", g.instances), names("snapshots", g.snapshots))
	for range 1 + g.IntN(3) {
		if what := g.one(&free); what != "" {
			said = append(said, what)
		}
	}
	return strings.Join(said, ", ")
}

func names(kind string, of map[string]*plant) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		all = append(all, kind+"/"+name)
	}
	return all
}

// one makes one change. What it uses or changes is not free for another.
func (g *garden) one(free *[]string) string {
	source := "snapshots/golden"
	if n := len(*free); n > 0 && g.IntN(3) > 0 {
		i := g.IntN(n)
		source = (*free)[i]
		*free = slices.Delete(*free, i, i+1)
	}
	kind, name, _ := strings.Cut(source, "/")
	inst := g.instances[name]
	switch choice := g.IntN(8); {
	case kind == "snapshots" && name != "golden" && choice < 3:
		delete(g.snapshots, name)
		return "remove snapshot " + name
	case len(g.instances) < 4 && (kind == "snapshots" || choice == 0):
		return g.fork(source, kind, name)
	case inst == nil:
		return ""
	case choice == 1:
		delete(g.instances, name)
		return "remove " + name
	case choice == 2 && len(g.snapshots) < 3:
		g.made++
		taken := *inst
		taken.of = name
		taken.cold = taken.cold || taken.state == "stopped"
		g.snapshots[fmt.Sprintf("t%d", g.made)] = &taken
		return fmt.Sprintf("take t%d of %s", g.made, name)
	case choice == 3:
		inst.labels++
		return "label " + name
	case choice == 4 && inst.state == "running":
		inst.ssh = !inst.ssh
		return "forward of " + name
	case choice == 5:
		for _, snap := range slices.Sorted(maps.Keys(g.snapshots)) {
			if g.snapshots[snap].of == name && inst.restore != snap && slices.Contains(*free, "snapshots/"+snap) {
				inst.restore, inst.cold = snap, g.snapshots[snap].cold
				*free = slices.DeleteFunc(*free, func(s string) bool { return s == "snapshots/"+snap })
				return "roll " + name + " back to " + snap
			}
		}
	}
	inst.state = []string{"running", "standby", "stopped"}[g.IntN(3)]
	inst.cold = inst.cold || inst.state == "stopped"
	return inst.state + " " + name
}

func (g *garden) fork(source, kind, name string) string {
	g.made++
	cold := false
	if from, ok := map[string]map[string]*plant{"instances": g.instances, "snapshots": g.snapshots}[kind][name]; ok {
		source, cold = kind+"/$p-"+name, from.cold || from.state == "stopped"
	}
	made := &plant{source: source, state: []string{"running", "running", "standby"}[g.IntN(3)], cold: cold}
	g.instances[fmt.Sprintf("i%d", g.made)] = made
	return fmt.Sprintf("fork i%d of %s", g.made, source)
}

// fault chooses what goes wrong, and when.
func (g *garden) fault() (kind fault, at string, n int, delay float64) {
	kind = faults[g.IntN(len(faults))]
	return kind, kind.at[g.IntN(len(kind.at))], 1 + g.IntN(12), g.Float64()
}

// note takes note of what a round has done to guests' memory.
func (g *garden) note(killed bool) {
	for _, inst := range g.instances {
		inst.cold = inst.cold || killed
	}
}

// warm are the instances whose memory is golden's.
func (g *garden) warm() (warm []string) {
	for name, inst := range g.instances {
		if !inst.cold {
			warm = append(warm, name)
		}
	}
	return warm
}

// config is the garden as a configuration.
func (g *garden) config() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(g.instances)) {
		inst := g.instances[name]
		lines := []string{fmt.Sprintf("state = %q", inst.state), fmt.Sprintf("labels = { n = %d }", inst.labels)}
		if inst.ssh {
			lines = append(lines, "network_interfaces = { lan = { forward = { http = { guest_port = 80 }, ssh = { guest_port = 22 } } } }")
		}
		if inst.restore != "" {
			lines = append(lines, fmt.Sprintf("restore_from = %q", "$p-"+inst.restore))
		}
		b.WriteString(forkOf("$p-"+name, "default/"+inst.source, lines...))
	}
	for _, name := range slices.Sorted(maps.Keys(g.snapshots)) {
		fmt.Fprintf(&b, "resource \"kvm_snapshot\" \"$p-%s\" {\n  name = \"$p-%s\"\n  instance = \"default/instances/$p-%s\"\n}\n", name, name, g.snapshots[name].of)
	}
	return b.String()
}
