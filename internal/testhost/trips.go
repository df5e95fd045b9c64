package testhost

import (
	"encoding/binary"
	"sync"
	"time"
)

// A tripCounter counts round trips by what the client sends: data sent later
// than a round trip's time after the first may be due to an answer, data sent
// sooner cannot. The time that either end needs does not count, nor what TCP
// sends again.
type tripCounter struct {
	mu    sync.Mutex
	begun time.Time // when the latest round trip began
	trips int
	next  map[flow]uint32 // the sequence number after the data sent so far
}

// A flow is the addresses and ports of one direction of a TCP connection.
type flow [12]byte

func (c *tripCounter) sent(packet []byte, now time.Time, rtt time.Duration) {
	from, sequence, length := tcpData(packet)
	if length == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	end := sequence + uint32(length)
	if next, ok := c.next[from]; ok && int32(end-next) <= 0 {
		return
	}
	if c.next == nil {
		c.next = map[flow]uint32{}
	}
	c.next[from] = end
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

// tcpData reads an IPv4 packet of TCP; the length is 0 of one that carries no
// data, or is none. See RFC 791 and RFC 9293.
func tcpData(packet []byte) (from flow, sequence uint32, length int) {
	const tcp = 6
	if len(packet) < 40 || packet[0]>>4 != 4 || packet[9] != tcp {
		return from, 0, 0
	}
	ipHeader := int(packet[0]&15) * 4
	total := int(binary.BigEndian.Uint16(packet[2:]))
	if len(packet) < ipHeader+20 {
		return from, 0, 0
	}
	tcpHeader := int(packet[ipHeader+12]>>4) * 4
	copy(from[:8], packet[12:])
	copy(from[8:], packet[ipHeader:])
	return from, binary.BigEndian.Uint32(packet[ipHeader+4:]), max(0, total-ipHeader-tcpHeader)
}
