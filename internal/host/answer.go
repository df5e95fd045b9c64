package host

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// failedCommand is the error of the command that ended last, unless all have
// succeeded.
func failedCommand(out string, r *Renewal) error {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	ended := 0
	var last struct {
		Return struct {
			Exited   bool   `json:"exited"`
			ExitCode int    `json:"exitcode"`
			Signal   int    `json:"signal"`
			Out      string `json:"out-data"`
			Err      string `json:"err-data"`
		} `json:"return"`
	}
	for _, line := range lines {
		if line == "awake" {
			return nil
		}
		if candidate := last; json.Unmarshal([]byte(line), &candidate) == nil && candidate.Return.Exited {
			last = candidate
			ended++
		}
	}
	if ended == 0 {
		return errors.New("what the guest agent said of a command cannot be understood")
	}
	output, _ := base64.StdEncoding.DecodeString(last.Return.Out)
	complaints, _ := base64.StdEncoding.DecodeString(last.Return.Err)
	how := fmt.Sprintf("status %d", last.Return.ExitCode)
	if last.Return.Signal != 0 {
		how = fmt.Sprintf("signal %d", last.Return.Signal)
	}
	return fmt.Errorf("%s ended with %s: %s", r.nameOf(ended-1), how, strings.TrimSpace(string(output)+string(complaints)))
}

// nameOf is what a person calls the command of that index.
func (r *Renewal) nameOf(i int) string {
	if own := len(r.commands()) - len(r.Commands); i >= own {
		return fmt.Sprintf("on_fork[%d] in the guest", i-own)
	}
	return "giving the guest an identity of its own"
}
