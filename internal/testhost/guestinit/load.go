//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// serveLoad adds what a benchmark has a guest do: write to its memory, once or at
// a rate, and to its disk (see disk_load.go).
func serveLoad(mux *http.ServeMux) {
	m := &memory{}
	mux.HandleFunc("POST /fill", answer(func(r *http.Request) (string, error) { return "", m.fill(number(r, "mib")) }))
	mux.HandleFunc("POST /dirty", answer(func(r *http.Request) (string, error) { return m.dirty(number(r, "mib_per_second")) }))
	mux.HandleFunc("POST /io", answer(diskLoad))
}

func answer(do func(*http.Request) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := do(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		fmt.Fprintln(w, text)
	}
}

// number is a parameter of a request's; 0 if it has none.
func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name)) // what is no number is none
	return n
}

// memory is what a load writes to.
type memory struct {
	mu    sync.Mutex
	bytes []byte
	stop  chan chan float64 // of who dirties it; nil: nobody
}

const (
	pageSize   = 4096
	pagesOfMiB = 1 << 20 / pageSize
)

// fill takes so much memory, and writes to each page of it, so that none is zero.
func (m *memory) fill(mib int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	bytes, err := syscall.Mmap(-1, 0, mib<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("take %d MiB: %w", mib, err)
	}
	for at := 0; at < len(bytes); at += pageSize {
		binary.LittleEndian.PutUint64(bytes[at:], uint64(at)+1)
	}
	m.bytes = bytes
	return nil
}

// dirty ends what a call before has begun, and answers with the rate that it has
// reached, in MiB/s. With a rate of its own it begins to write to page after page of
// what was filled.
func (m *memory) dirty(rate int) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	reached := 0.0
	if m.stop != nil {
		said := make(chan float64)
		m.stop <- said
		reached, m.stop = <-said, nil
	}
	if rate > 0 {
		if len(m.bytes) == 0 {
			return "", fmt.Errorf("nothing was filled")
		}
		m.stop = make(chan chan float64)
		go m.keepDirtying(rate, m.stop)
	}
	return fmt.Sprintf("%.1f", reached), nil
}

func (m *memory) keepDirtying(rate int, stop chan chan float64) {
	const step = 10 * time.Millisecond
	begun, pages := time.Now(), 0
	for at := 0; ; {
		select {
		case said := <-stop:
			said <- float64(pages) / pagesOfMiB / time.Since(begun).Seconds()
			return
		case <-time.After(step):
		}
		due := int(time.Since(begun).Seconds() * float64(rate*pagesOfMiB))
		// Who was held up does not make up for it all at once.
		for n := min(due-pages, 4*int(step.Seconds()*float64(rate*pagesOfMiB))); n > 0; n-- {
			m.bytes[at]++
			at = (at + pageSize) % len(m.bytes)
			pages++
		}
	}
}
