package qemu

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// pairs reads an option as QemuOpts do: commas separate, two of them are one of
// the value's, and the first pair may leave its key out.
func pairs(option string) [][2]string {
	var found [][2]string
	var pair strings.Builder
	for option += ","; option != ""; {
		switch {
		case strings.HasPrefix(option, ",,") && len(option) > 2:
			pair.WriteByte(',')
			option = option[2:]
		case option[0] == ',':
			key, value, named := strings.Cut(pair.String(), "=")
			if !named {
				key, value = "", pair.String()
			}
			found = append(found, [2]string{key, value})
			pair.Reset()
			option = option[1:]
		default:
			pair.WriteByte(option[0])
			option = option[1:]
		}
	}
	return found
}

// rule reads a forward as slirp does: protocol:address:port-address:port.
func rule(text string) (f Forward, err error) {
	var fields [3]string
	rest := text
	for i := range fields {
		separator := ":"
		if i == 2 {
			separator = "-"
		}
		var found bool
		if fields[i], rest, found = strings.Cut(rest, separator); !found {
			return f, fmt.Errorf("%q has no %q", text, separator)
		}
	}
	f.Protocol, f.HostAddress = fields[0], fields[1]
	if _, err := fmt.Sscanf(fields[2]+" "+rest, "%d :%d", &f.HostPort, &f.GuestPort); err != nil {
		return f, err
	}
	if want := fmt.Sprintf("%d :%d", f.HostPort, f.GuestPort); want != fields[2]+" "+rest {
		return f, fmt.Errorf("%q has more than a forward", text)
	}
	return f, nil
}

// hostile are values as they may stand in metadata, or come from a user.
var hostile = []string{
	"", "pc-q35-7.2", "max", "host", "web-a", "user", "tcp", "127.0.0.1", "52:54:00:00:00:01", "0123456789abcdef.qcow2", "quiet splash",
	",", ",,", ",,,", "a,b", "a,,b", "max,help", "pc,accel=tcg", "=", "a=b", "x,script=/bin/sh", "tap,script=/tmp/x", "user,smb=/",
	"127.0.0.1:22-:22,guestfwd=tcp:10.0.2.1:1-cmd:id", "0.0.0.0", "::1", "fe80::1%eth0", "127.0.0.1:1-:1 net1", "tcp::1-:1\nquit",
	"../../../etc/shadow", "../0123456789abcdef.raw", "0123456789abcdef.raw\n", `"},"x":{"`, "json:{}", "{}", "-device", "--", "\n", "\x1b[2J", "\xff", " ", "%s", "é",
}

// FuzzArgs makes arguments of a machine whose texts are anything. Of one that
// passes its check no text becomes more than the one value that it is: QEMU
// reads the same options with the same keys as for a harmless machine.
func FuzzArgs(f *testing.F) {
	for i, value := range hostile {
		f.Add("pc-q35-7.2", "max", value, value, "52:54:00:00:00:01", "user", "tcp", "127.0.0.1", 2201, "0123456789abcdef.qcow2", "qcow2")
		texts := []string{"pc-q35-7.2", "max", "52:54:00:00:00:01", "user", "tcp", "127.0.0.1", "0123456789abcdef.qcow2"}
		texts[i%len(texts)] = value
		f.Add(texts[0], texts[1], "a", "", texts[2], texts[3], texts[4], texts[5], 2201, texts[6], "qcow2")
	}
	f.Fuzz(func(t *testing.T, machineType, cpu, name, commandLine, mac, nicType, protocol, address string, port int, file, format string) {
		m, p := machine(), process(Boot)
		m.NICs, m.Disk.Layers = m.NICs[:1], m.Disk.Layers[:1]
		benign := Args(m, Process{Name: "a", UID: p.UID, Generation: p.Generation,
			Forwards: map[string]map[string]Forward{"lan": {"ssh": {"tcp", "127.0.0.1", 2201, 22}}}})

		m.Type, m.CPU = machineType, cpu
		m.Kernel.CommandLine = commandLine
		m.NICs[0].MAC, m.NICs[0].Type = mac, nicType
		m.Disk.Layers[0] = Layer{file, format}
		forward := Forward{protocol, address, port, 22}
		p.Name, p.Forwards = name, map[string]map[string]Forward{"lan": {"ssh": forward}}
		if m.Check() != nil || forward.Check() != nil {
			return
		}
		args := Args(m, p)
		if len(args) != len(benign) {
			t.Fatalf("%q; want as many as %q", args, benign)
		}
		values := map[string]string{ // by option and key, which the first pair may leave out
			"-name guest": name, "-machine ": machineType, "-netdev ": nicType, "-netdev hostfwd": forward.String(), "-device mac": mac,
		}
		for i, text := range args {
			if text == benign[i] {
				continue
			}
			switch option := benign[i-1]; option {
			case "-append":
				if text != commandLine {
					t.Errorf("the command line is %q", text)
				}
			case "-cpu":
				if text != cpu || strings.ContainsAny(text, ",=") {
					t.Errorf("the CPU is %q", text)
				}
			case "-blockdev":
				checkNode(t, text, file, format)
			case "-device":
				if strings.HasPrefix(text, "virtio-blk-pci,") {
					want := strings.Replace(benign[i], machine().Disk.Layers[0].node(), Layer{file, format}.node(), 1)
					if !slices.Equal(pairs(text), pairs(want)) {
						t.Errorf("the disk is %q", text)
					}
					continue
				}
				fallthrough
			default:
				got, want := pairs(text), pairs(benign[i])
				for j, pair := range want {
					if value, ours := values[option+" "+pair[0]]; ours {
						want[j][1] = value
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s %q is read as %q; want %q", option, text, got, want)
				}
			}
		}
	})
}

func checkNode(t *testing.T, text, file, format string) {
	var node struct {
		Driver string
		Node   string `json:"node-name"`
		File   struct{ Driver, Filename string }
	}
	if err := json.Unmarshal([]byte(text), &node); err != nil {
		t.Fatal(err)
	}
	if node.Driver != format || node.File.Driver != "file" || node.File.Filename != "disk/"+file ||
		path.Dir(path.Clean(node.File.Filename)) != "disk" || len(node.Node) > 31 || strings.ContainsAny(node.Node, " /,\n") {
		t.Errorf("%s is of %q", text, file)
	}
}

// FuzzForward has a forward of anything: one that passes its check is read by
// QEMU as just this, and is one word of a human monitor's line.
func FuzzForward(f *testing.F) {
	for _, value := range hostile {
		f.Add(value, "127.0.0.1", 2201, 22)
		f.Add("tcp", value, 2201, 22)
		f.Add("udp", value, 0, -1)
	}
	f.Fuzz(func(t *testing.T, protocol, address string, hostPort, guestPort int) {
		forward := Forward{protocol, address, hostPort, guestPort}
		if forward.Check() != nil {
			return
		}
		if got, err := rule(forward.String()); err != nil || got != forward {
			t.Errorf("%q is read as %+v, %v", forward, got, err)
		}
		if _, err := netip.ParseAddr(address); address != "" && err != nil {
			t.Errorf("address %q", address)
		}
		add := strings.Split(lineOf(t, AddForward(3, forward)), " ")
		remove := strings.Split(lineOf(t, RemoveForward(3, forward)), " ")
		if !slices.Equal(add, []string{"hostfwd_add", "net3", forward.String()}) {
			t.Errorf("added by %q", add)
		}
		if before, _, _ := strings.Cut(forward.String(), "-"); !slices.Equal(remove, []string{"hostfwd_remove", "net3", before}) {
			t.Errorf("removed by %q", remove)
		}
	})
}

// lineOf is what a human monitor is told by a QMP command, which is one line.
func lineOf(t *testing.T, command string) string {
	var told struct {
		Execute, ID string
		Arguments   map[string]string
	}
	if err := json.Unmarshal([]byte(command), &told); err != nil || strings.ContainsAny(command, "\r\n") {
		t.Fatalf("%q: %v", command, err)
	}
	line := told.Arguments["command-line"]
	if told.Execute != "human-monitor-command" || told.ID != told.Execute || len(told.Arguments) != 1 || strings.ContainsAny(line, "\r\n;\x00") {
		t.Errorf("%q", command)
	}
	return line
}

// FuzzCommand says anything in QMP: it is one line, and says just that.
func FuzzCommand(f *testing.F) {
	for _, value := range hostile {
		f.Add(value, value)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		key, value = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(value, "?") // JSON is UTF-8
		text := command("x", map[string]string{key: value})
		var told map[string]any
		if err := json.Unmarshal([]byte(text), &told); err != nil || strings.ContainsAny(text, "\r\n\x00") {
			t.Fatalf("%q: %v", text, err)
		}
		if want := map[string]any{"execute": "x", "id": "x", "arguments": map[string]any{key: value}}; !reflect.DeepEqual(told, want) {
			t.Errorf("%q says %q", text, told)
		}
	})
}

// FuzzMessages reads a control channel in which stands anything.
func FuzzMessages(f *testing.F) {
	f.Add(`{"event":"STOP","timestamp":{"seconds":1,"microseconds":0}}` + "\n" + `{"event":"RESUME","timestamp":{"seconds":-9223372036854775808,"microseconds":9223372036854775807}}`)
	f.Add("null\n[]\n{}\n\x00\n{\"event\":7}\n")
	f.Add(strings.Repeat("[", 1000))
	f.Fuzz(func(t *testing.T, lines string) {
		messages := Messages(lines)
		if len(messages) > strings.Count(lines, "\n")+1 {
			t.Errorf("%d messages", len(messages))
		}
		if pause := Pause(messages); pause < 0 {
			t.Errorf("a pause of %s", pause)
		}
	})
}
