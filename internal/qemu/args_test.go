package qemu

import (
	"flag"
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
	uefi := bare
	uefi.Firmware = &UEFI{CodeBytes: 3653632, VariablesBytes: 540672}
	for name, args := range map[string][]string{
		"uefi":          Args(uefi, process(Boot)),
		"uefi-receiver": Args(uefi, process(Receiver)),
		"boot":          Args(machine(), process(Boot)),
		"restored":      Args(machine(), process(Restored)),
		"receiver":      Args(machine(), process(Receiver)),
		"bare":          Args(bare, process(Boot)),
		"runas":         Args(bare, dropped),
		"run-with":      Args(bare, runWith),

		"bridge":          Args(bridged, process(Restored)),
		"bridge-receiver": Args(bridged, process(Receiver)),
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
		args := Args(machine(), process(role))
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
	if len(boot) != 5 {
		t.Fatalf("%q; want pvpanic, vmgenid, a disk and two NICs", boot)
	}
	for _, role := range []Role{Restored, Receiver} {
		if got := devices(role); !slices.Equal(got, boot) {
			t.Errorf("role %d has %q; want %q", role, got, boot)
		}
	}
}

func TestArgs_AlwaysDenyAllThatTheSandboxCanDeny(t *testing.T) {
	for _, role := range []Role{Boot, Restored, Receiver} {
		args := Args(machine(), process(role))
		i := slices.Index(args, "-sandbox")
		if i < 0 || args[i+1] != "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny" {
			t.Errorf("role %d: %q", role, args)
		}
	}
}
