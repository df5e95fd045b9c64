package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// guest is an instance, as it is reached.
type guest struct {
	name string
	testhost.GuestClient
}

// guests are the example's: the base first, then the forks by name.
func (o outputs) guests() ([]guest, error) {
	var base int
	var forks map[string]int
	if err := json.Unmarshal(o["base_port"].Value, &base); err != nil {
		return nil, fmt.Errorf("read the output base_port: %w", err)
	}
	if err := json.Unmarshal(o["fork_ports"].Value, &forks); err != nil {
		return nil, fmt.Errorf("read the output fork_ports: %w", err)
	}
	guests := []guest{reach("base", base)}
	for _, name := range slices.Sorted(maps.Keys(forks)) {
		guests = append(guests, reach(name, forks[name]))
	}
	return guests, nil
}

func reach(name string, port int) guest {
	return guest{name, testhost.GuestClient{URL: fmt.Sprintf("http://127.0.0.1:%d", port)}}
}

func (s *stage) forks() []guest { return s.guests[1:] }

// remark says what a resource of the example took its time for.
func (s *stage) remark(d done) string {
	switch kind, _, _ := strings.Cut(d.address, "."); {
	case kind == "kvm_image":
		return "uploaded"
	case kind == "kvm_snapshot":
		return "taken live: " + s.pause()
	case d.address == "kvm_instance.base":
		return "cold boot, until it answered HTTP"
	default:
		return "forked, until it answered HTTP"
	}
}

// pause says how long the base stood still, by the events of its QEMU.
func (s *stage) pause() string {
	text, err := os.ReadFile(s.runFile("base", "control.out"))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("the base stood still for %s of it", short(qemu.Pause(qemu.Messages(string(text)))))
}

func (s *stage) runFile(instance, name string) string {
	return filepath.Join(s.host.DataDir, "instances", instance, "run", name)
}

// short is a duration for people.
func short(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
