package testhost

import (
	"bufio"
	"context"
	"encoding/json"
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
	console chan string // its lines, as many as a boot has; closed at the end
	monitor string
	ended   chan struct{}
}

func boot(t *testing.T, guest Guest, words string, devices ...string) *vm {
	t.Helper()
	return bootDisk(t, append([]string{
		"-smp", "1", "-m", "256",
		"-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", CommandLine + " " + words,
	}, devices...)...)
}

// bootDisk boots from one of the devices.
func bootDisk(t *testing.T, devices ...string) *vm {
	t.Helper()
	vm := &vm{
		console: make(chan string, 10_000),
		monitor: filepath.Join(t.TempDir(), "qmp"),
		ended:   make(chan struct{}),
	}
	cmd := exec.Command("qemu-system-x86_64", append([]string{
		"-machine", "q35,accel=tcg", "-cpu", "max",
		"-nodefaults", "-no-user-config", "-display", "none", "-vga", "none",
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
	vm.expectWithin(t, text, 2*time.Minute)
}

func (vm *vm) expectWithin(t *testing.T, text string, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
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

// drain returns what the console has printed since it was last read.
func (vm *vm) drain() string {
	var seen []string
	for {
		select {
		case line, ok := <-vm.console:
			if ok {
				seen = append(seen, line)
				continue
			}
		default:
		}
		return strings.Join(seen, "\n")
	}
}

func (vm *vm) pressPowerButton(t *testing.T) {
	t.Helper()
	vm.execute(t, `{"execute": "system_powerdown"}`)
}

// execute has QEMU execute commands, one after the other.
func (vm *vm) execute(t *testing.T, commands ...string) {
	t.Helper()
	monitor := mustOpenJSON(t, vm.monitor)
	defer monitor.conn.Close() // it serves one at a time
	for _, command := range append([]string{`{"execute": "qmp_capabilities"}`}, commands...) {
		monitor.mustExecute(t, command)
	}
}

// jsonSocket is a QEMU monitor or a guest agent.
type jsonSocket struct {
	conn    net.Conn
	replies *bufio.Reader
}

func mustOpenJSON(t *testing.T, path string) jsonSocket {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return jsonSocket{conn, bufio.NewReader(conn)}
}

// mustExecute returns what the command returned, and passes by greetings and events.
func (s jsonSocket) mustExecute(t *testing.T, command string) json.RawMessage {
	t.Helper()
	_ = s.conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintln(s.conn, command); err != nil {
		t.Fatal(err)
	}
	for {
		line, err := s.replies.ReadBytes('\n')
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		var reply struct {
			Return json.RawMessage `json:"return"`
			Error  json.RawMessage `json:"error"`
		}
		if err := json.Unmarshal(line, &reply); err != nil || reply.Error != nil {
			t.Fatalf("%s: %s %v", command, line, err)
		}
		if reply.Return != nil {
			return reply.Return
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
