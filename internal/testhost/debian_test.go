package testhost

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// debianBootLimit leaves room for a machine that is busy: with twenty others waiting
// for two processors a boot took almost six minutes.
const debianBootLimit = 10 * time.Minute

const debianAgent = "org.qemu.guest_agent.0"

func TestDebian_BootsByBIOSAndIsWhatACloudImageIs(t *testing.T) {
	t.Parallel()
	agentSocket := filepath.Join(t.TempDir(), "agent")
	vm, guest := bootDebian(t, `network:
  version: 2
  ethernets:
    nic:
      match: {macaddress: "52:54:00:00:00:01"}
      dhcp4: true
      addresses: [192.0.2.5/24]
`,
		"-device", "pvpanic-pci", "-device", "vmgenid,guid=auto",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=agent,server=on,wait=off,path="+agentSocket,
		"-device", "virtserialport,chardev=agent,name="+debianAgent,
		"-device", "virtio-scsi-pci,id=scsi", "-drive", "if=none,id=cd,media=cdrom", "-device", "scsi-cd,bus=scsi.0,drive=cd",
		"-device", "pcie-root-port,id=rp0,chassis=1")

	for command, want := range map[string]string{
		"id -un":                        DebianUser,
		"hostname":                      "seeded",
		"sudo id -u":                    "0",
		"cat /ran":                      "by cloud-init",
		"ping -c 1 -q 127.0.0.1":        " 0% packet loss",
		"cat /etc/os-release":           "ID=debian",
		"ip -br -4 addr show":           "192.0.2.5/24",
		"lsmod":                         "pvpanic_pci",
		"ls /dev/sr0":                   "/dev/sr0",
		"ls /sys/bus/*/drivers/vmgenid": "QEMU",
		"sudo modprobe -a isofs vfat sd_mod && echo all": "all",
		"systemctl is-enabled hibernate.target || true":  "masked",
		"systemctl is-system-running --wait":             "running",
		"ls /etc/ssh/ssh_host_*_key":                     "/etc/ssh/ssh_host_ed25519_key",
		"wc -c < /etc/machine-id":                        "33",
	} {
		if output := guest.run(t, command); !strings.Contains(output, want) {
			t.Errorf("%s: %q; want %q", command, output, want)
		}
	}

	agent := mustOpenJSON(t, agentSocket)
	agent.mustExecute(t, `{"execute": "guest-ping"}`)
	if output := agentRun(t, agent, "id -u"); output != "0\n" {
		t.Errorf("the agent runs commands as user %q", output)
	}
	agent.mustExecute(t, `{"execute": "guest-set-time"}`)
	if frozen := agent.mustExecute(t, `{"execute": "guest-fsfreeze-freeze"}`); string(frozen) == "0" {
		t.Error("the agent froze no filesystem")
	}
	agent.mustExecute(t, `{"execute": "guest-fsfreeze-thaw"}`)

	vm.execute(t, `{"execute": "netdev_add", "arguments": {"type": "user", "id": "later", "net": "198.51.100.0/24", "dhcpstart": "198.51.100.77"}}`,
		`{"execute": "device_add", "arguments": {"driver": "virtio-net-pci", "id": "later-nic", "netdev": "later", "bus": "rp0"}}`)
	guest.run(t, `for try in $(seq 60); do ip -br -4 addr show | grep -q 198.51.100.77 && exit; sleep 1; done; ip addr; exit 1`)

	vm.pressPowerButton(t)
	vm.expectWithin(t, "reboot: Power down", 2*time.Minute)
}

func TestDebian_BootsByUEFI(t *testing.T) {
	t.Parallel()
	variables := filepath.Join(t.TempDir(), "variables")
	if err := copyFile("/usr/share/OVMF/OVMF_VARS_4M.fd", variables); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(variables, 0o600); err != nil {
		t.Fatal(err)
	}
	_, guest := bootDebian(t, "",
		"-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
		"-drive", "if=pflash,format=raw,file="+variables)
	guest.run(t, "test -d /sys/firmware/efi/efivars")
}

// debianGuest is a guest that one is logged in to.
type debianGuest struct{ client *ssh.Client }

// bootDebian boots the image on a seed with a network configuration, which may be
// empty, and logs in.
func bootDebian(t *testing.T, network string, devices ...string) (*vm, debianGuest) {
	t.Helper()
	debian, err := BuildDebian(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk.qcow2")
	if _, err := run(t.Context(), dir, "qemu-img", "create", "-q", "-f", "qcow2", "-b", debian.Image, "-F", "qcow2", disk); err != nil {
		t.Fatal(err)
	}
	public, signer := mustMakeSigner(t)
	port := reservePort(t)
	vm := bootDisk(t, append([]string{
		"-smp", "2", "-m", "1024",
		"-drive", "if=virtio,format=qcow2,file=" + disk,
		"-drive", "if=virtio,format=raw,readonly=on,file=" + mustMakeSeed(t, public, network),
		"-nic", fmt.Sprintf("user,model=virtio-net-pci,mac=52:54:00:00:00:01,hostfwd=tcp:127.0.0.1:%d-:22", port),
	}, devices...)...)
	return vm, vm.logIn(t, fmt.Sprintf("127.0.0.1:%d", port), signer)
}

// mustMakeSeed makes a NoCloud volume.
func mustMakeSeed(t *testing.T, key, network string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"meta-data": "instance-id: one\nlocal-hostname: seeded\n",
		"user-data": fmt.Sprintf("#cloud-config\nssh_authorized_keys: [%q]\nwrite_files: [{path: /ran, content: by cloud-init}]\n", key),
	}
	if network != "" {
		files["network-config"] = network
	}
	seed, err := makeRaw(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	commands := [][]string{{"mformat", "-i", seed, "-v", "cidata", "-T", "2048", "-h", "16", "-s", "63", "::"}}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		commands = append(commands, []string{"mcopy", "-i", seed, name, "::"})
	}
	for _, command := range commands {
		if _, err := run(t.Context(), dir, command...); err != nil {
			t.Fatal(err)
		}
	}
	return seed
}

func mustMakeSigner(t *testing.T) (public string, signer ssh.Signer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	public, err := MakeKey(file)
	if err != nil {
		t.Fatal(err)
	}
	private, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	signer, err = ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return public, signer
}

// logIn waits for the SSH banner, whose time it logs, and logs in.
func (vm *vm) logIn(t *testing.T, address string, signer ssh.Signer) debianGuest {
	t.Helper()
	begin := time.Now()
	for attempt := time.Second; ; attempt = min(attempt*3/2, time.Minute) {
		client, err := dialSSH(address, signer, attempt)
		if err == nil {
			t.Logf("logged in %v after the start", time.Since(begin).Round(time.Second/10))
			t.Cleanup(func() { client.Close() })
			return debianGuest{client}
		}
		select {
		case <-vm.ended:
			t.Fatalf("the guest ended before anybody could log in; its console:\n%s", vm.drain())
		case <-time.After(200 * time.Millisecond):
		}
		if time.Since(begin) > debianBootLimit {
			t.Fatalf("nobody could log in within %v: %v; the console:\n%s", debianBootLimit, err, vm.drain())
		}
	}
}

func dialSSH(address string, signer ssh.Signer, timeout time.Duration) (*ssh.Client, error) {
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(timeout))
	transport, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: DebianUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // it is made in the boot that is waited for
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(transport, channels, requests), nil
}

// run runs a command and returns what it printed; the test fails when the
// command does.
func (g debianGuest) run(t *testing.T, command string) string {
	t.Helper()
	session, err := g.client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	output, err := session.CombinedOutput(command)
	if err != nil {
		t.Errorf("%s: %v: %s", command, err, output)
	}
	return string(output)
}

// agentRun runs a shell command through the guest agent.
func agentRun(t *testing.T, agent jsonSocket, command string) string {
	t.Helper()
	started := agent.mustExecute(t, fmt.Sprintf(
		`{"execute": "guest-exec", "arguments": {"path": "/bin/sh", "arg": ["-c", %q], "capture-output": true}}`, command))
	var process struct{ PID int }
	if err := json.Unmarshal(started, &process); err != nil {
		t.Fatal(err)
	}
	for {
		var status struct {
			Exited bool
			Output string `json:"out-data"`
		}
		answer := agent.mustExecute(t, fmt.Sprintf(`{"execute": "guest-exec-status", "arguments": {"pid": %d}}`, process.PID))
		if err := json.Unmarshal(answer, &status); err != nil {
			t.Fatal(err)
		}
		if status.Exited {
			output, err := base64.StdEncoding.DecodeString(status.Output)
			if err != nil {
				t.Fatal(err)
			}
			return string(output)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
