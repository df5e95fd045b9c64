package qemu

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func machine() Machine {
	return Machine{
		Type: "pc-q35-7.2", Accelerator: "tcg", CPU: "max", VCPUs: 2, MemoryMiB: 512,
		Kernel: &Kernel{Initrd: true, CommandLine: "console=ttyS0 quiet"},
		Disk: &Disk{SizeBytes: 1 << 30, Layers: []Layer{
			{"0123456789abcdef.qcow2", "qcow2"}, {"fedcba9876543210.raw", "raw"},
		}},
		NICs: []NIC{{Key: "lan", Type: "user", MAC: "52:54:00:00:00:01"}, {Key: "wan", Type: "user", MAC: "52:54:00:00:00:02", Restrict: true}},
	}
}

// seeded is one with a seed for cloud-init.
func seeded() Machine {
	m := machine()
	m.Seed = &Seed{SizeBytes: 512 << 10}
	return m
}

// withDisks has two volumes that were made from the same image as its first disk.
func withDisks() Machine {
	m := machine()
	m.SCSI = true
	for i, key := range []string{"data", "logs"} {
		m = m.WithDisk(DataDisk{Key: key, Target: m.FreeTarget(), Volume: "volume-" + key, VolumeUID: "11111111-0000-0000-0000-000000000000",
			Disk: Disk{SizeBytes: 2 << 30, Layers: []Layer{{fmt.Sprintf("%016x.qcow2", i), "qcow2"}, m.Disk.Layers[1]}}})
	}
	return m
}

func process(role Role) Process {
	return Process{
		Role: role, Name: "web-a", UID: "11111111-2222-3333-4444-555555555555", Generation: "66666666-7777-8888-9999-000000000000",
		Forwards: map[string]map[string]Forward{"lan": {
			"ssh":  {"tcp", "127.0.0.1", 2201, 22},
			"http": {"tcp", "127.0.0.1", 8080, 80},
		}},
	}
}

func TestArgs_AreThoseOfTheGoldenFiles(t *testing.T) {
	dropped, runWith := process(Boot), process(Receiver)
	dropped.User, runWith.User = User{Name: "qemu"}, User{Name: "qemu", RunWith: true}
	bare := machine()
	bare.Kernel, bare.Disk, bare.NICs = nil, nil, nil
	bridged := machine()
	bridged.NICs = []NIC{
		{Key: "lan", Type: "bridge", MAC: "52:54:01:00:00:01", Bridge: "br0"}, machine().NICs[1],
		{Key: "dmz", Type: "bridge", MAC: "52:54:01:00:00:03", Network: "dmz", Port: 1},
	}
	passt := machine()
	passt.NICs = []NIC{{Key: "lan", Type: "passt", MAC: "52:54:00:00:00:01"}}
	withAgent, uefi := bare, bare
	withAgent.Agent = true
	uefi.Firmware = &UEFI{CodeBytes: 3653632, VariablesBytes: 540672}
	for name, args := range map[string][]string{
		"boot":            Args(machine(), process(Boot)),
		"restored":        Args(machine(), process(Restored)),
		"receiver":        Args(machine(), process(Receiver)),
		"bare":            Args(bare, process(Boot)),
		"runas":           Args(bare, dropped),
		"run-with":        Args(bare, runWith),
		"seeded":          Args(seeded(), process(Restored)),
		"seeded-receiver": Args(seeded(), process(Receiver)),
		"uefi":            Args(uefi, process(Boot)),
		"uefi-receiver":   Args(uefi, process(Receiver)),
		"disks":           Args(withDisks(), process(Boot)),
		"disks-receiver":  Args(withDisks(), process(Receiver)),
		"bridge":          Args(bridged, process(Restored)),
		"bridge-receiver": Args(bridged, process(Receiver)),
		"passt":           append(Args(passt, process(Restored)), passt.Passt(process(Restored))...),
		"passt-receiver":  Args(passt, process(Receiver)),
		"agent":           Args(withAgent, process(Restored)),
		"agent-receiver":  Args(withAgent, process(Receiver)),
	} {
		got := strings.Join(args, "\n") + "\n"
		golden := filepath.Join("testdata", name+".args")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%swant:\n%s", name, got, want)
		}
	}
}

func TestArgs_GiveEveryRoleTheSameDevices(t *testing.T) {
	devices := func(role Role) []string {
		var found []string
		m := seeded()
		m.Agent = true
		args := Args(m, process(role))
		for i, arg := range args {
			if arg == "-device" {
				name, rest, _ := strings.Cut(args[i+1], ",")
				_, addr, _ := strings.Cut(rest, "addr=")
				found = append(found, name+" "+addr)
			}
		}
		return found
	}
	boot := devices(Boot)
	if len(boot) != 8 {
		t.Fatalf("%q; want pvpanic, vmgenid, a serial port and its bus, a disk, a seed and two NICs", boot)
	}
	for _, role := range []Role{Restored, Receiver} {
		if got := devices(role); !slices.Equal(got, boot) {
			t.Errorf("role %d has %q; want %q", role, got, boot)
		}
	}
}

func TestArgs_AlwaysDenyAllThatTheSandboxCanDeny(t *testing.T) {
	for _, role := range []Role{Boot, Restored, Receiver} {
		m := machine()
		m.Agent = true
		args := Args(m, process(role))
		i := slices.Index(args, "-sandbox")
		if i < 0 || args[i+1] != "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny" {
			t.Errorf("role %d: %q", role, args)
		}
	}
}

func TestCheck_RefusesASeedThatIsNone(t *testing.T) {
	for _, size := range []int64{0, -512, 511, 1 << 40} {
		m := machine()
		m.Seed = &Seed{SizeBytes: size}
		if m.Check() == nil {
			t.Errorf("%d bytes: no error", size)
		}
	}
	if err := seeded().Check(); err != nil {
		t.Error(err)
	}
}
