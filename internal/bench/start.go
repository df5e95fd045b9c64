package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	ours   = "kvm"
	theirs = "random"
)

var startRow = row{
	name:  "start",
	title: "Start of the provider",
	about: "The provider's process is started as Terraform starts it (go-plugin), and asked for its schema over gRPC: milliseconds until it has answered, its CPU time, how long the schema is, and how much memory the process has then. They take turns.",
	tables: []table{
		{"start", "Start, to the first schema", "provider"},
	},
	targets: []target{
		{what: "time to the first schema over that of the random provider", unit: "×", limit: 1.5, value: quotient("start", "first schema", 0, "start", "first schema", 1)},
	},
	measure: measureStart, limit: time.Minute, quick: 3 * time.Second,
}

func measureStart(ctx context.Context, b *bench, r *Result) error {
	if err := noteDisturbance(ctx, r); err != nil {
		return err
	}
	for range b.rounds(20, 5) {
		for _, p := range []struct {
			place
			binary string
		}{{place{ours, 0}, b.provider}, {place{theirs, 1}, b.random.binary}} {
			if err := measurePlugin(ctx, r, p.place, p.binary); err != nil {
				return fmt.Errorf("%s: %w", p.line, err)
			}
		}
	}
	return nil
}

// measurePlugin starts a provider, asks for its schema, and ends it.
func measurePlugin(ctx context.Context, r *Result, at place, binary string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	// The cookie is what terraform-plugin-go expects of who starts a provider.
	cmd.Env = append(os.Environ(), "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2", "PLUGIN_PROTOCOL_VERSIONS=5,6")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	schema, err := firstSchema(ctx, bufio.NewScanner(out))
	took, memory := since(begun), highWater(cmd.Process.Pid)
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()         // says that it was killed
	if err != nil {
		return err
	}
	r.add("start", at, "first schema", "ms", took)
	r.add("start", at, "CPU time", "ms", cpuTime(cmd.ProcessState))
	r.add("start", at, "schema", "KiB", float64(schema)/1024)
	r.add("start", at, "memory", "MiB", float64(memory)/1024)
	return nil
}

// firstSchema reads where the provider listens (the handshake of go-plugin:
// core version, protocol, network, address, "grpc"), and returns how many bytes
// long its schema is.
func firstSchema(ctx context.Context, lines *bufio.Scanner) (int, error) {
	if !lines.Scan() {
		return 0, fmt.Errorf("it says nothing: %v", lines.Err())
	}
	fields := strings.Split(lines.Text(), "|")
	if len(fields) < 5 || fields[2] != "unix" {
		return 0, fmt.Errorf("it says %q", lines.Text())
	}
	method, ok := map[string]string{"5": "/tfplugin5.Provider/GetSchema", "6": "/tfplugin6.Provider/GetProviderSchema"}[fields[1]]
	if !ok {
		return 0, fmt.Errorf("it speaks protocol %s", fields[1])
	}
	conn, err := grpc.NewClient("unix:"+fields[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var schema raw
	err = conn.Invoke(ctx, method, &raw{}, &schema, grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(64<<20))
	return len(schema), err
}

// raw is a message that nobody looks into.
type raw []byte

// rawCodec passes messages on as they are: to decode a schema is not what is timed.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*raw), nil }
func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*raw) = append(raw(nil), data...)
	return nil
}
func (rawCodec) Name() string { return "proto" }
