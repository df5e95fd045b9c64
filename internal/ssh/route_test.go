package ssh

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const routeConfig = `
Match exec "true"
  User nobody
Host lab
  HostName %h.example.com
  Port 2222
  User alice
  ProxyJump gate
  IdentityFile ~/one
  IdentityFile %d/two
Host gate
  HostName gate.example.com
  User porter
Host bad
  Port many
Host *
  User everyone
`

func TestRoute_CompletesConfigFromSSHConfig(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	file := filepath.Join(t.TempDir(), "config")
	writeFile(t, file, routeConfig)
	lab := endpoint{host: "lab.example.com", port: 2222, user: "alice", identities: []string{"/home/x/one", "/home/x/two"}}
	gate := endpoint{host: "gate.example.com", port: 22, user: "porter"}
	explicit := lab
	explicit.port, explicit.user, explicit.hostKey = 1, "bob", "key"
	for _, tc := range []struct {
		name string
		cfg  Config
		want []endpoint
	}{
		{"an alias", Config{Address: "lab"}, []endpoint{gate, lab}},
		{"explicit settings win", Config{Address: "lab", Port: 1, User: "bob", HostKey: "key", ProxyJump: "none"}, []endpoint{explicit}},
		{"defaults", Config{Address: "10.0.0.1"}, []endpoint{{host: "10.0.0.1", port: 22, user: "everyone"}}},
		{
			"several jumps",
			Config{Address: "::1", ProxyJump: "a@b@one:7, [fe80::1]:8,gate,ssh://two"},
			[]endpoint{
				{host: "one", port: 7, user: "a@b"}, {host: "fe80::1", port: 8, user: "everyone"}, gate,
				{host: "two", port: 22, user: "everyone"}, {host: "::1", port: 22, user: "everyone"},
			},
		},
	} {
		tc.cfg.SSHConfigFile = file
		got, err := route(tc.cfg)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", tc.name, got, err, tc.want)
		}
	}
}

func TestRoute_SaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	writeFile(t, file, routeConfig)
	for want, cfg := range map[string]Config{
		"is empty":     {},
		`port "many"`:  {Address: "bad"},
		`port "70000"`: {Address: "lab", ProxyJump: "x:70000"},
		"no such file": {Address: "lab", SSHConfigFile: file + ".missing"},
	} {
		if cfg.SSHConfigFile == "" {
			cfg.SSHConfigFile = file
		}
		if _, err := route(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
