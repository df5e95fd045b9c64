package qemu

import (
	"fmt"
	"strings"
	"testing"
)

func TestDisks_KeepTheirPlaces(t *testing.T) {
	m := withDisks().WithoutDisk("data")
	if m = m.WithDisk(DataDisk{Key: "a", Target: m.FreeTarget()}); m.Disks[0].Key != "a" || m.Disks[0].Target != 0 || m.Disks[1].Target != 1 {
		t.Errorf("%+v; want a in the place that is free, and logs where it was", m.Disks)
	}
	if before := withDisks(); len(before.WithDisk(DataDisk{Key: "z"}).Disks) != 3 || len(before.Disks) != 2 {
		t.Errorf("%+v; want it unchanged", before.Disks)
	}
}

func TestCheck_RefusesDisksThatCouldBecomeSomethingElse(t *testing.T) {
	if err := withDisks().Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Machine){
		"no controller":        func(m *Machine) { m.SCSI = false },
		"a key of two options": func(m *Machine) { m.Disks[0].Key = "a,b=c" },
		"a long key":           func(m *Machine) { m.Disks[0].Key = strings.Repeat("a", 21) },
		"a key twice":          func(m *Machine) { m.Disks[0].Key = m.Disks[1].Key },
		"a place twice":        func(m *Machine) { m.Disks[0].Target = m.Disks[1].Target },
		"a place that is none": func(m *Machine) { m.Disks[0].Target = MaxDisks },
		"a negative place":     func(m *Machine) { m.Disks[0].Target = -1 },
		"another file":         func(m *Machine) { m.Disks[0].Layers[0].File = "../0000000000000000.qcow2" },
		"no layers":            func(m *Machine) { m.Disks[0].Layers = nil },
		"no size":              func(m *Machine) { m.Disks[0].SizeBytes = 0 },
		"another path":         func(m *Machine) { m.Disks[0].Volume = "../images" },
		"an image's path":      func(m *Machine) { m.Disks[0].Volume, m.Disks[0].VolumeUID, m.Disks[0].Image = "", "", "../a" },
		"volume and image":     func(m *Machine) { m.Disks[0].Image = "a" },
		"no uid":               func(m *Machine) { m.Disks[0].VolumeUID = "" },
		"too many": func(m *Machine) {
			for range MaxDisks {
				m.Disks = append(m.Disks, m.Disks[0])
			}
		},
	} {
		m := withDisks()
		change(&m)
		if m.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDisks_HaveNodesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range withDisks().Disks {
		for _, layer := range d.Layers {
			name := d.node(layer)
			if seen[name] || len(name) > 31 { // as QEMU has it
				t.Errorf("%s is taken, or too long", name)
			}
			seen[name] = true
		}
	}
	last := DataDisk{Target: MaxDisks - 1}
	if name := last.node(Layer{"fedcba9876543210.raw", "raw"}); len(name) > 31 {
		t.Errorf("%s is too long", name)
	}
}

func TestUnplugged_AreTheDisksThatWereTakenLast(t *testing.T) {
	const (
		taken     = `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "DEVICE_DELETED", "data": {"device": "disk-data", "path": "/machine/peripheral/disk-data"}}` + "\n"
		nameless  = `{"event": "DEVICE_DELETED", "data": {"path": "/machine/peripheral-anon/device[0]"}}` + "\n"
		other     = `{"event": "DEVICE_DELETED", "data": {"device": "nic0", "path": "/machine/peripheral/nic0"}}` + "\n"
		given     = `{"return": {}, "id": "device_add disk-data"}` + "\n"
		refused   = `{"id": "device_add disk-data", "error": {"class": "GenericError", "desc": "Failed to get \"write\" lock"}}` + "\n"
		duplicate = `{"id": "device_add disk-data", "error": {"class": "GenericError", "desc": "Duplicate device ID 'disk-data'"}}` + "\n"
		foreign   = `{"return": {}, "id": 7}` + "\n"
	)
	for said, want := range map[string]string{
		"":                                "[]",
		other + nameless + foreign:        "[]",
		taken:                             "[data]",
		taken + given:                     "[]",
		taken + foreign + refused:         "[data]",
		taken + duplicate:                 "[]",
		given + taken + given + taken:     "[data]",
		taken + given + other + duplicate: "[]",
		taken[:len(taken)-9]:              "[]", // cut short by QEMU's end
	} {
		if got := fmt.Sprint(withDisks().Unplugged(Messages(said))); got != want {
			t.Errorf("%s: %s; want %s", said, got, want)
		}
	}
}
