package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// addressPatience is how long all machines may take to tell their addresses.
const addressPatience = 3 * time.Minute

// machine is who a guest says it is.
type machine struct {
	hostname, machineID, mac, address string
	hostKey                           string // its fingerprint, as the guest shows it to who logs in
}

// machines are those that were seen, by the names of their instances.
type machines map[string]machine

// whoAreYou prints a machine's fields, a line each.
const whoAreYou = `hostname; cat /etc/machine-id; cat /sys/class/net/e*/address; ip -4 -o address show scope global | awk '{ print $4 }'`

func (d *debian) inspect(ctx context.Context, s *stage, name string) (machine, error) {
	said, hostKey, err := s.login(ctx, name, whoAreYou)
	if err != nil {
		return machine{}, err
	}
	fields := strings.Fields(said)
	if len(fields) != 4 {
		return machine{}, fmt.Errorf("%s said who it is in %d words, and should in 4: %q", name, len(fields), said)
	}
	return machine{fields[0], fields[1], fields[2], strings.SplitN(fields[3], "/", 2)[0], hostKey}, nil
}

func (o show) machine(m machine) {
	o.text(fmt.Sprintf("%-11s %s  %s  %-13s  %s\n", m.hostname, m.machineID, m.mac, m.address, m.hostKey))
}

// inspectBase has the base prove by SSH what it is.
func (d *debian) inspectBase(ctx context.Context, out show, s *stage) error {
	if err := d.awaitAddresses(ctx, out, s); err != nil {
		return err
	}
	commands, err := s.outputs.commands()
	if err != nil {
		return err
	}
	for _, command := range []string{"dpkg -l qemu-guest-agent cloud-init openssh-server | grep ^ii", "cloud-init status --wait"} {
		out.heading("$ %s %q", commands[debianBase], command)
		said, _, err := s.login(ctx, debianBase, command)
		if err != nil {
			return err
		}
		out.text(strings.TrimSpace(said) + "\n")
		if strings.HasPrefix(command, "cloud-init") && !strings.Contains(said, "status: done") {
			return fmt.Errorf("cloud-init is not done in the base")
		}
	}
	out.heading("The base, before it is forked: host name, machine ID, MAC address, address, SSH host key")
	m, err := d.inspect(ctx, s, debianBase)
	if err != nil {
		return err
	}
	out.machine(m)
	d.machines[debianBase] = m
	return nil
}

// compare logs into the base and every fork, and wants different machines.
func (d *debian) compare(ctx context.Context, out show, s *stage) error {
	if err := d.awaitAddresses(ctx, out, s); err != nil {
		return err
	}
	commands, err := s.outputs.commands()
	if err != nil {
		return err
	}
	out.heading("$ %s    # and so on: the base, and each fork", commands[s.victim])
	begun := time.Now()
	before := d.machines[debianBase]
	names := slices.Sorted(maps.Keys(commands))
	for _, name := range names {
		m, err := d.inspect(ctx, s, name)
		if err != nil {
			return err
		}
		out.machine(m)
		if m.hostname != name {
			return fmt.Errorf("%s takes itself for %s", name, m.hostname)
		}
		for other, of := range d.machines {
			if other != name && (m.machineID == of.machineID || m.hostKey == of.hostKey || d.link != nil && (m.mac == of.mac || m.address == of.address)) {
				return fmt.Errorf("%s has something of %s: %+v, %+v", name, other, m, of)
			}
		}
		d.machines[name] = m
	}
	if after := d.machines[debianBase]; after != before {
		return fmt.Errorf("the base was %+v before it was forked, and is %+v", before, after)
	}
	out.step(fmt.Sprintf("%d logins", len(names)), time.Since(begun), "the base is as it was")
	return nil
}

// inspectVictim wants the fork that was killed to be who it was.
func (d *debian) inspectVictim(ctx context.Context, out show, s *stage) error {
	if err := d.awaitAddresses(ctx, out, s); err != nil {
		return err
	}
	out.heading("%s before and after it booted from its own disk:", s.victim)
	before := d.machines[s.victim]
	after, err := d.inspect(ctx, s, s.victim)
	if err != nil {
		return err
	}
	out.machine(before)
	out.machine(after)
	if after != before {
		return fmt.Errorf("%s has become another one", s.victim)
	}
	return nil
}

// awaitAddresses refreshes until every machine has told its address: those that
// took longer than the apply waited tell it later.
func (d *debian) awaitAddresses(ctx context.Context, out show, s *stage) error {
	for end := time.Now().Add(addressPatience); ; {
		commands, err := s.outputs.commands()
		if err != nil || !slices.Contains(slices.Collect(maps.Values(commands)), "") {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("not all machines have told an address: %q", commands)
		}
		out.note("a machine has told no address yet: $ terraform apply -refresh-only")
		if err := s.apply(ctx, func(done) {}, "-refresh-only"); err != nil {
			return err
		}
	}
}
