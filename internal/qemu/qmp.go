package qemu

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// AddLayer is the QMP command that opens a new layer, not yet in use, and
// SwitchLayer the one that from then on lets the guest write to it instead of
// the layer that was on top; DropLayer closes one that was not used after all.
func AddLayer(layer Layer) string {
	node := layerNode(layer, layer.node())
	node["backing"] = nil // blockdev-snapshot sets it
	return command("blockdev-add", node)
}

func SwitchLayer(from, to Layer) string {
	return command("transaction", map[string]any{"actions": []any{map[string]any{
		"type": "blockdev-snapshot",
		"data": map[string]string{"node": from.node(), "overlay": to.node()},
	}}})
}

func DropLayer(layer Layer) string {
	return command("blockdev-del", map[string]string{"node-name": layer.node()})
}

// Flatten is the QMP command that copies into top what lies between it and
// bottom, and then leaves that out. BLOCK_JOB_COMPLETED says that it is done.
func Flatten(top, bottom Layer) string {
	return command("block-stream", map[string]any{
		"job-id": "flatten", "device": top.node(), "base-node": bottom.node(), "backing-file": bottom.File,
	})
}

// Flush is the command that has QEMU write what it keeps of a layer, for human
// monitors only.
func Flush(layer Layer) string { return human(`qemu-io ` + layer.node() + ` "flush"`) }

// GrowDisk is the QMP command that makes the disk of a running guest larger.
func GrowDisk(d Disk) string {
	return command("block_resize", map[string]any{"node-name": d.Layers[0].node(), "size": d.SizeBytes})
}

// AddForward and RemoveForward are the commands that change the forwards of the
// i-th NIC of a running guest. QEMU has them for human monitors only, which
// answer with the text of an error, and with no text when there was none.
func AddForward(i int, f Forward) string {
	return human("hostfwd_add net" + strconv.Itoa(i) + " " + f.String())
}

func RemoveForward(i int, f Forward) string {
	return human("hostfwd_remove net" + strconv.Itoa(i) + " " + f.Protocol + ":" + f.HostAddress + ":" + strconv.Itoa(f.HostPort))
}

func human(line string) string {
	return command("human-monitor-command", map[string]string{"command-line": line})
}

// command is a QMP command as one line. Its id is the command's name.
func command(name string, arguments any) string {
	line, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments"`
		ID        string `json:"id"`
	}{name, arguments, name})
	if err != nil {
		panic(err) // maps of strings and numbers always marshal
	}
	return string(line)
}

// A Message is a line that QEMU wrote to a control channel: an event, or
// something else, of which nothing is told here.
type Message struct {
	Event     string         `json:"event"`
	Data      map[string]any `json:"data"`
	Timestamp struct {
		Seconds      int64 `json:"seconds"`
		Microseconds int64 `json:"microseconds"`
	} `json:"timestamp"`
}

// Time is when QEMU sent an event, by the host's clock.
func (m Message) Time() time.Time {
	return time.Unix(m.Timestamp.Seconds, m.Timestamp.Microseconds*int64(time.Microsecond))
}

// Messages returns the messages in the lines of a control channel; lines of
// other kinds, such as one cut short by QEMU's end, are passed over.
func Messages(lines string) []Message {
	var messages []Message
	for line := range strings.Lines(lines) {
		var m Message
		if json.Unmarshal([]byte(line), &m) == nil {
			messages = append(messages, m)
		}
	}
	return messages
}

// Pause is the longest time for which the guest stood still in the messages:
// from STOP to the next RESUME.
func Pause(messages []Message) time.Duration {
	var longest time.Duration
	var stopped time.Time
	for _, m := range messages {
		switch {
		case m.Event == "STOP":
			stopped = m.Time()
		case m.Event == "RESUME" && !stopped.IsZero():
			longest = max(longest, m.Time().Sub(stopped))
			stopped = time.Time{}
		}
	}
	return longest
}
