package testhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// LinkOptions are what a network between a test and a host is like.
type LinkOptions struct {
	RTT  time.Duration // of an empty packet there and back
	Loss float64       // the probability that a packet is lost, in each direction
	Seed uint64        // of which packets are
}

// A Link is a network of its own between the test and a network namespace, made
// of two TUN devices between which this process carries the packets. What is
// sent over it are real IP packets: TCP waits, sends again and gives up as it
// does elsewhere. Nothing of it has a name that would have to be removed: when
// the process ends, however it does, the devices and the namespace are gone.
type Link struct {
	HostAddress   string // of the namespace, "198.18.…"
	clientAddress string

	rtt       atomic.Int64 // a time.Duration
	loss      float64
	namespace *os.File
	client    *os.File // TUN device where the test is
	host      *os.File // TUN device in the namespace
	down      atomic.Bool
	lost      atomic.Int64
	carriers  sync.WaitGroup
	trips     tripCounter
}

// NewLink makes a link that is there until the test ends. The test is skipped
// where there may be none.
func NewLink(t testing.TB, opts LinkOptions) *Link {
	t.Helper()
	l, err := OpenLink(opts)
	if errors.Is(err, ErrNoLink) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// ErrNoLink is why there may be no link here.
var ErrNoLink = errors.New("this needs a root who may make network namespaces and TUN devices")

// OpenLink makes a link that the caller must Close. Where there may be none the
// error is [ErrNoLink].
func OpenLink(opts LinkOptions) (*Link, error) {
	if os.Geteuid() != 0 {
		return nil, ErrNoLink
	}
	if _, err := os.Stat(tunDevice); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLink, err)
	}
	l := &Link{loss: opts.Loss}
	l.SetRTT(opts.RTT)
	err := l.open()
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %w", ErrNoLink, err)
	}
	if err != nil {
		return nil, err
	}
	l.carry(l.client, l.host, opts.Seed, true)
	l.carry(l.host, l.client, opts.Seed+1, false)
	return l, nil
}

// SetRTT changes how long packets sent from now on are under way.
func (l *Link) SetRTT(rtt time.Duration) { l.rtt.Store(int64(rtt)) }

// SetDown has every packet lost, also those under way, or no longer.
func (l *Link) SetDown(down bool) { l.down.Store(down) }

// Lost is how many packets were lost.
func (l *Link) Lost() int { return int(l.lost.Load()) }

// DownFor has every packet lost for a while.
func (l *Link) DownFor(ctx context.Context, while time.Duration) {
	l.SetDown(true)
	defer l.SetDown(false)
	select {
	case <-ctx.Done():
	case <-time.After(while):
	}
}

// Close ends the link. What runs in its namespace keeps that, without a way out.
func (l *Link) Close() {
	l.client.Close()
	l.host.Close()
	l.namespace.Close()
	l.carriers.Wait()
}

// A packet is due at the other end.
type packet struct {
	data []byte
	due  time.Time
}

// queueLength is how many packets may be under way in one direction: as much as
// TCP sends at once over the longest link here.
const queueLength = 1 << 14

// carry carries packets in one direction until the devices are closed.
func (l *Link) carry(from, to *os.File, seed uint64, fromClient bool) {
	underWay := make(chan packet, queueLength)
	chance := rand.New(rand.NewPCG(seed, 0))
	l.carriers.Go(func() {
		defer close(underWay)
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			now, rtt := time.Now(), time.Duration(l.rtt.Load())
			if fromClient {
				l.trips.sent(buffer[:n], now, rtt)
			}
			if l.down.Load() || chance.Float64() < l.loss {
				l.lost.Add(1)
				continue
			}
			select {
			case underWay <- packet{append([]byte(nil), buffer[:n]...), now.Add(rtt / 2)}:
			default: // as a router does whose queue is full
			}
		}
	})
	l.carriers.Go(func() {
		for p := range underWay {
			time.Sleep(time.Until(p.due))
			if l.down.Load() {
				continue
			}
			if _, err := to.Write(p.data); err != nil && errors.Is(err, os.ErrClosed) {
				return
			}
		}
	})
}

// Within returns the command that runs argv in the link's namespace: network
// interfaces made there are gone with it.
func (l *Link) Within(argv ...string) []string {
	return append(Options{Link: l}.within(), argv...)
}
