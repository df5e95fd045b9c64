package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// An sshConfig answers what a user's ssh_config says of a host.
type sshConfig struct{ parsed *ssh_config.Config }

// readSSHConfig reads a file, by default ~/.ssh/config, which need not exist.
func readSSHConfig(file string) (*sshConfig, error) {
	name := file
	if name == "" {
		name = "~/.ssh/config"
	}
	text, err := os.ReadFile(expand(name))
	if file == "" && errors.Is(err, fs.ErrNotExist) {
		return &sshConfig{&ssh_config.Config{}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading ssh_config: %w", err)
	}
	parsed, err := ssh_config.DecodeBytes(withoutMatch(text))
	if err != nil {
		return nil, fmt.Errorf("reading ssh_config %s: %w", name, err)
	}
	return &sshConfig{parsed}, nil
}

// withoutMatch blanks the Match blocks whose criteria the parser does not know,
// because it refuses the whole file for them. Lines keep their numbers.
func withoutMatch(text []byte) []byte {
	lines := strings.Split(string(text), "\n")
	skipping := false
	for i, line := range lines {
		fields := strings.Fields(strings.Replace(line, "=", " ", 1))
		if len(fields) > 0 {
			switch strings.ToLower(fields[0]) {
			case "host":
				skipping = false
			case "match":
				skipping = len(fields) < 2 || !strings.EqualFold(fields[1], "all") && !strings.EqualFold(fields[1], "host")
			}
		}
		if skipping {
			lines[i] = ""
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// get returns the first value of a key, or "".
func (s *sshConfig) get(alias, key string) string {
	value, err := s.parsed.Get(alias, key)
	if err != nil {
		return "" // only for a kind of line that the parser does not make
	}
	return value
}

func (s *sshConfig) all(alias, key string) []string {
	values, err := s.parsed.GetAll(alias, key)
	if err != nil {
		return nil
	}
	return values
}
