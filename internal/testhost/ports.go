package testhost

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const tcpListen = "0A" // TCP_LISTEN of linux/tcp_states.h, as /proc/net/tcp writes it

// listeningPorts are the addresses on which a process accepts TCP connections.
func listeningPorts(pid int) []string {
	var found []string
	links, _ := filepath.Glob(procPath(pid, "fd", "*")) // the pattern is well-formed
	listeners := listeners(pid)
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue // closed meanwhile
		}
		if address, ok := listeners[target]; ok {
			found = append(found, address)
		}
	}
	slices.Sort(found)
	return found
}

// listeners maps the sockets of a process's network that accept connections,
// written as links in its fd directory are, to their addresses.
func listeners(pid int) map[string]string {
	found := map[string]string{}
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(procPath(pid, "net", table)) // empty if it has just ended
		for line := range strings.Lines(string(text)) {
			// number, local, remote, state, queues, timer, retries, uid, timeout, inode
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] == tcpListen {
				found["socket:["+fields[9]+"]"] = parseAddress(fields[1])
			}
		}
	}
	return found
}

// parseAddress reads "0100007F:1F90", where each four bytes of the IP address are
// in the machine's byte order: little-endian here.
func parseAddress(text string) string {
	host, port, _ := strings.Cut(text, ":")
	ip, hexErr := hex.DecodeString(host)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if hexErr != nil || portErr != nil {
		return text
	}
	for word := range slices.Chunk(ip, 4) {
		slices.Reverse(word)
	}
	return net.JoinHostPort(net.IP(ip).String(), fmt.Sprint(number))
}
