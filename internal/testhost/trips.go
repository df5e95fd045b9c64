package testhost

import (
	"encoding/binary"
	"sync"
	"time"
)

// A tripCounter counts round trips by what the client sends: data sent later
// than a round trip's time after the first may be due to an answer, data sent
// sooner cannot. The time that either end needs does not count.
type tripCounter struct {
	mu    sync.Mutex
	begun time.Time // when the latest round trip began
	trips int
}

func (c *tripCounter) sent(packet []byte, now time.Time, rtt time.Duration) {
	if !hasTCPData(packet) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.begun) >= rtt {
		c.begun = now
		c.trips++
	}
}

// Trips is how many round trips do took, as far as they began with data of the
// client's: to open a connection takes one more.
func (l *Link) Trips(do func()) int {
	l.trips.mu.Lock()
	before := l.trips.trips
	l.trips.begun = time.Time{} // what was sent before does not stand for what do sends
	l.trips.mu.Unlock()
	do()
	l.trips.mu.Lock()
	defer l.trips.mu.Unlock()
	return l.trips.trips - before
}

// hasTCPData tells an IPv4 packet of TCP that carries data from one that only
// acknowledges; see RFC 791 and RFC 9293.
func hasTCPData(packet []byte) bool {
	const tcp = 6
	if len(packet) < 40 || packet[0]>>4 != 4 || packet[9] != tcp {
		return false
	}
	ipHeader := int(packet[0]&15) * 4
	total := int(binary.BigEndian.Uint16(packet[2:]))
	if len(packet) < ipHeader+13 {
		return false
	}
	tcpHeader := int(packet[ipHeader+12]>>4) * 4
	return total > ipHeader+tcpHeader
}
