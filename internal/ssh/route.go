package ssh

import (
	"fmt"
	"net"
	"os/user"
	"strconv"
	"strings"
)

// An endpoint is an SSH server to log in to.
type endpoint struct {
	host       string // name or IP address
	port       int
	user       string
	identities []string // key files that ssh_config names for it
	hostKey    string   // pinned, or ""
}

func (e endpoint) address() string { return net.JoinHostPort(e.host, strconv.Itoa(e.port)) }

// route returns the servers to log in to one through the other; the last is the
// host itself.
func route(cfg Config) ([]endpoint, error) {
	settings, err := readSSHConfig(cfg.SSHConfigFile)
	if err != nil {
		return nil, err
	}
	target, err := settings.endpoint(cfg.Address, cfg.User, cfg.Port)
	if err != nil {
		return nil, err
	}
	target.hostKey = cfg.HostKey

	jumps := cfg.ProxyJump
	if jumps == "" {
		jumps = settings.get(cfg.Address, "ProxyJump")
	}
	if jumps == "" || strings.EqualFold(jumps, "none") {
		return []endpoint{target}, nil
	}
	hops, err := settings.jumps(jumps)
	if err != nil {
		return nil, err
	}
	return append(hops, target), nil
}

// jumps parses jumps with commas between them.
func (s *sshConfig) jumps(text string) ([]endpoint, error) {
	var hops []endpoint
	for jump := range strings.SplitSeq(text, ",") {
		hop, err := s.jump(strings.TrimSpace(jump))
		if err != nil {
			return nil, err
		}
		hops = append(hops, hop)
	}
	return hops, nil
}

// jump parses "[ssh://][user@]host[:port]".
func (s *sshConfig) jump(text string) (endpoint, error) {
	rest := strings.TrimPrefix(text, "ssh://")
	login, alias, found := cutLast(rest, "@")
	if !found {
		login, alias = "", rest
	}
	port := 0
	if host, digits, err := net.SplitHostPort(alias); err == nil {
		if port, err = parsePort(digits); err != nil {
			return endpoint{}, fmt.Errorf("proxy jump %q: %w", text, err)
		}
		alias = host
	}
	alias = strings.Trim(alias, "[]")
	return s.endpoint(alias, login, port)
}

// endpoint completes what is given with what ssh_config says of the alias, and
// that with the defaults.
func (s *sshConfig) endpoint(alias, login string, port int) (endpoint, error) {
	if alias == "" {
		return endpoint{}, fmt.Errorf("the address of an SSH host is empty")
	}
	e := endpoint{host: alias, port: port, user: login}
	if name := s.get(alias, "HostName"); name != "" {
		e.host = strings.NewReplacer("%h", alias, "%%", "%").Replace(name)
	}
	if digits := s.get(alias, "Port"); e.port == 0 && digits != "" {
		var err error
		if e.port, err = parsePort(digits); err != nil {
			return endpoint{}, fmt.Errorf("ssh_config, host %s: %w", alias, err)
		}
	}
	if e.port == 0 {
		e.port = 22
	}
	if e.user == "" {
		e.user = s.get(alias, "User")
	}
	local := ""
	if current, err := user.Current(); err == nil {
		local = current.Username
	}
	if e.user == "" {
		e.user = local
	}
	tokens := strings.NewReplacer("%d", home(), "%h", e.host, "%r", e.user, "%u", local, "%%", "%")
	for _, file := range s.all(alias, "IdentityFile") {
		if !strings.EqualFold(file, "none") {
			e.identities = append(e.identities, expand(tokens.Replace(file)))
		}
	}
	return e, nil
}

func parsePort(digits string) (int, error) {
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", digits)
	}
	return int(port), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
