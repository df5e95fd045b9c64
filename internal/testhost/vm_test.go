package testhost

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mustCopyDisk returns a disk that can be written to: the guest's cannot.
func mustCopyDisk(t *testing.T, guest Guest) string {
	t.Helper()
	content, err := os.ReadFile(guest.Disk)
	if err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(t.TempDir(), "disk.qcow2")
	if err := os.WriteFile(disk, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return disk
}

// vm is a QEMU process that ends with its test.
type vm struct {
	console chan string // its lines; closed at the end
	monitor string
	ended   chan struct{}
}

func boot(t *testing.T, guest Guest, words string, devices ...string) *vm {
	t.Helper()
	vm := &vm{
		console: make(chan string, 1000),
		monitor: filepath.Join(t.TempDir(), "qmp"),
		ended:   make(chan struct{}),
	}
	cmd := exec.Command("qemu-system-x86_64", append([]string{
		"-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "1", "-m", "256",
		"-nodefaults", "-no-user-config", "-display", "none", "-vga", "none",
		"-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", CommandLine + " " + words,
		"-serial", "stdio", "-qmp", "unix:" + vm.monitor + ",server,wait=off",
	}, devices...)...)
	output, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(vm.ended)
		writer.CloseWithError(cmd.Wait())
	}()
	go func() {
		defer close(vm.console)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			vm.console <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-vm.ended
	})
	return vm
}

// expect reads the console up to a line with text.
func (vm *vm) expect(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var seen []string
	for {
		select {
		case line, ok := <-vm.console:
			seen = append(seen, line)
			if strings.Contains(line, text) {
				return
			}
			if !ok {
				t.Fatalf("the guest ended without %q; its console:\n%s", text, strings.Join(seen, "\n"))
			}
		case <-ctx.Done():
			t.Fatalf("no %q in time; the console:\n%s", text, strings.Join(seen, "\n"))
		}
	}
}

func (vm *vm) pressPowerButton(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("unix", vm.monitor)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	replies := bufio.NewReader(conn)
	for _, command := range []string{"", "qmp_capabilities", "system_powerdown"} {
		if command != "" { // the greeting comes unasked
			fmt.Fprintf(conn, "{\"execute\": %q}\n", command)
		}
		if reply, err := replies.ReadString('\n'); err != nil || strings.Contains(reply, `"error"`) {
			t.Fatalf("%s: %s %v", command, reply, err)
		}
	}
}

func reservePort(t *testing.T) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func readLine(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
