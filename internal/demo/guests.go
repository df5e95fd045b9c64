package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

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
