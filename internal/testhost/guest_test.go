package testhost

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestGuest_AnswersRunsCommandsAndPowersOff(t *testing.T) {
	t.Parallel()
	http, ssh := reservePort(t), reservePort(t)
	guest := mustBuildGuest(t)
	disk := mustCopyDisk(t, guest)
	vm := boot(t, guest, "",
		"-drive", "if=virtio,format=qcow2,file="+disk,
		"-nic", fmt.Sprintf("user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:%d-:80,hostfwd=tcp:127.0.0.1:%d-:22", http, ssh))
	client := GuestClient{URL: fmt.Sprintf("http://127.0.0.1:%d", http)}
	booting, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := WaitHTTP(booting, client.URL); err != nil {
		t.Fatal(err)
	}
	vm.expect(t, "testguest ready")

	token, err := client.Token(t.Context())
	if again, _ := client.Token(t.Context()); err != nil || len(token) != 32 || again != token {
		t.Errorf("token %q, then %q, %v; want 32 digits, twice the same", token, again, err)
	}
	before, _ := client.Counter(t.Context())
	time.Sleep(500 * time.Millisecond)
	if after, err := client.Counter(t.Context()); err != nil || after <= before {
		t.Errorf("counter %d, then %d, %v; want it to advance", before, after, err)
	}
	if id, err := client.BootID(t.Context()); err != nil || len(id) != 36 {
		t.Errorf("boot id %q, %v; want 36 characters", id, err)
	}
	if out, err := client.Run(t.Context(), "sleep 60 & echo new > /disk/data; echo done >&2"); err != nil || out != "done\n" {
		t.Errorf("run: %q, %v", out, err)
	}
	if content, err := client.Disk(t.Context()); err != nil || content != "new" {
		t.Errorf("disk: %q, %v; want what was just written", content, err)
	}
	if out, err := client.Run(t.Context(), "echo why; exit 3"); err == nil || !strings.HasPrefix(out, "why\n") {
		t.Errorf("a failing command: %q, %v; want its output and an error", out, err)
	}
	if banner := readLine(t, fmt.Sprintf("127.0.0.1:%d", ssh)); banner != "SSH-2.0-testguest\r\n" {
		t.Errorf("port 22 says %q", banner)
	}

	vm.pressPowerButton(t)
	select {
	case <-vm.ended:
	case <-time.After(5 * time.Second):
		t.Error("the guest is still on 5 s after its power button was pressed")
	}
}

func TestGuest_PutsLoadOnItsMemoryAndDisk(t *testing.T) {
	t.Parallel()
	http := reservePort(t)
	guest := mustBuildGuest(t)
	boot(t, guest, "", "-drive", "if=virtio,format=qcow2,file="+mustCopyDisk(t, guest),
		"-nic", fmt.Sprintf("user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:%d-:80", http)).expect(t, "testguest ready")
	client := GuestClient{URL: fmt.Sprintf("http://127.0.0.1:%d", http)}
	if _, err := client.Dirty(t.Context(), 1); err == nil {
		t.Error("it dirties memory that it does not have")
	}
	if err := client.Fill(t.Context(), 16); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Dirty(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if rate, err := client.Dirty(t.Context(), 0); err != nil || rate <= 0 || rate > 4.5 {
		t.Errorf("asked for 4 MiB/s it dirtied %v, %v", rate, err)
	}
	for _, load := range []DiskLoad{
		{Op: "write", Order: "sequential", BlockKiB: 1024, AreaMiB: 8, Blocks: 8},
		{Op: "read", Order: "random", BlockKiB: 4, AreaMiB: 8, For: 100 * time.Millisecond},
	} {
		if rate, err := client.Load(t.Context(), load); err != nil || rate <= 0 {
			t.Errorf("%+v: %v MiB/s, %v", load, rate, err)
		}
	}
	if _, err := client.Load(t.Context(), DiskLoad{Op: "read", BlockKiB: 4, AreaMiB: 1 << 20, Order: "random", Blocks: 1}); err == nil {
		t.Error("it reads behind the end of its disk")
	}
}

func TestGuest_IgnoresThePowerButtonAndNeedsNoDevices(t *testing.T) {
	t.Parallel()
	vm := boot(t, mustBuildGuest(t), "testguest.nopower")
	vm.expect(t, "testguest ready")
	vm.pressPowerButton(t)
	select {
	case <-vm.ended:
		t.Error("the guest powered off")
	case <-time.After(time.Second):
	}
}

func TestGuest_PanicsOnRequest(t *testing.T) {
	t.Parallel()
	boot(t, mustBuildGuest(t), "testguest.panic").expect(t, "Kernel panic")
}

func mustBuildGuest(t *testing.T) Guest {
	t.Helper()
	guest, err := BuildGuest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return guest
}
