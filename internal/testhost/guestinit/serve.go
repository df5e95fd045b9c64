//go:build linux

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

const (
	tick = 100 * time.Millisecond

	// How long a command's output is still read once its shell has ended, when
	// a process that it left in the background keeps the pipe open.
	waitDelay = 100 * time.Millisecond
)

// serve listens on the HTTP and SSH ports and returns when both do.
func serve() {
	token := fmt.Sprintf("%x", randomBytes())
	counter := startCounter()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", text(func() string { return "testguest" }))
	mux.HandleFunc("GET /token", text(func() string { return token }))
	mux.HandleFunc("GET /counter", text(func() string { return fmt.Sprint(counter.Load()) }))
	mux.HandleFunc("GET /boot_id", file("/proc/sys/kernel/random/boot_id"))
	mux.HandleFunc("GET /disk", file(diskDir+"/data"))
	mux.HandleFunc("POST /run", run)
	serveLoad(mux)

	listen(":80", func(l net.Listener) { report("serve HTTP", http.Serve(l, mux)) })
	listen(":22", greet)
}

// randomBytes live in memory only: who answers with them has the memory of the
// guest that made them.
func randomBytes() []byte {
	b := make([]byte, 16)
	_, err := rand.Read(b)
	report("make the token", err)
	return b
}

// startCounter counts ticks of the guest's own time, which stands still while
// the guest is paused.
func startCounter() *atomic.Int64 {
	var n atomic.Int64
	go func() {
		for range time.Tick(tick) {
			n.Add(1)
		}
	}()
	return &n
}

func listen(address string, serve func(net.Listener)) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		report("listen on "+address, err)
		return
	}
	go serve(l)
}

// greet sends what a client waiting for an SSH server wants to see.
func greet(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			report("accept", err)
			return
		}
		_, err = io.WriteString(conn, "SSH-2.0-testguest\r\n")
		report("greet", errors.Join(err, conn.Close()))
	}
}

func text(value func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, value()) }
}

func file(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := os.ReadFile(path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_, _ = w.Write(content)
	}
}

// run runs the body as a shell command. The status is 200 when the command
// succeeded; else it is 422 and the last line of the answer says why.
func run(w http.ResponseWriter, r *http.Request) {
	script, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	cmd := exec.CommandContext(r.Context(), "/bin/sh", "-c", string(script))
	cmd.WaitDelay = waitDelay
	output, err := cmd.CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		output = fmt.Appendf(output, "%v\n", err)
	}
	_, _ = w.Write(output)
}
