package qemu

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

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
func command(name string, arguments any) string { return commandAs(name, name, arguments) }

// commandAs is a QMP command whose answer has another id.
func commandAs(id, name string, arguments any) string {
	line, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments"`
		ID        string `json:"id"`
	}{name, arguments, id})
	if err != nil {
		panic(err) // maps of strings and numbers always marshal
	}
	return string(line)
}

// A Message is a line that QEMU wrote to a control channel: an event, or the
// answer to a command, or something else, of which nothing is told here.
type Message struct {
	Event string         `json:"event"`
	Data  map[string]any `json:"data"`
	ID    any            `json:"id"` // of the command that is answered
	Error struct {
		Description string `json:"desc"`
	} `json:"error"` // nothing where the command was done
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
