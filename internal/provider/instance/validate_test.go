package instance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/prototest"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
)

var unknown = prototest.Unknown{}

// arguments are those of an instance.
type arguments = map[string]any

// seeded is an instance with these arguments of cloud_init.
func seeded(seed arguments) arguments {
	return arguments{"image": "lab/images/i", "cloud_init": seed}
}

func TestValidate_FindsMistakesAndTakesNothingUnknownForOne(t *testing.T) {
	lan := func(forward any) arguments { return arguments{"lan": arguments{"forward": forward}} }
	http := arguments{"http": arguments{"guest_port": 80}}
	for name, c := range map[string]struct {
		config arguments
		at     string // "": valid
	}{
		"an image":               {arguments{"image": "lab/images/i"}, ""},
		"a kernel":               {arguments{"kernel": arguments{"image": "lab/images/k"}}, ""},
		"a kernel with an image": {arguments{"image": "lab/images/i", "kernel": arguments{"image": "lab/images/k"}}, ""},
		"a fork":                 {arguments{"fork_of": "lab/snapshots/s"}, ""},
		"no origin":              {arguments{}, "image"},
		"maybe an origin":        {arguments{"kernel": unknown}, ""},
		"maybe two origins":      {arguments{"image": unknown, "fork_of": unknown}, ""},
		"an image and a fork":    {arguments{"image": "lab/images/i", "fork_of": "lab/snapshots/s"}, "fork_of"},
		"a kernel and a fork":    {arguments{"kernel": arguments{"image": "lab/images/k"}, "fork_of": "lab/snapshots/s"}, "fork_of"},
		"a fork of an image":     {arguments{"fork_of": "lab/images/i"}, "fork_of"},
		"a snapshot as image":    {arguments{"image": "lab/snapshots/s"}, "image"},
		"a bare name as image":   {arguments{"image": "debian"}, "image"},

		"an image elsewhere":     {arguments{"host": "edge", "image": "lab/images/i"}, "image"},
		"a kernel elsewhere":     {arguments{"image": "lab/images/i", "kernel": arguments{"image": "edge/images/k"}}, "image"},
		"maybe elsewhere":        {arguments{"host": unknown, "image": "lab/images/i", "kernel": arguments{"image": unknown}}, ""},
		"a fork of itself":       {arguments{"fork_of": "lab/instances/web"}, "fork_of"},
		"a fork of a namesake":   {arguments{"fork_of": "lab/snapshots/web"}, ""},
		"maybe a fork of itself": {arguments{"fork_of": "lab/instances/web", "name": unknown}, ""},

		"an unknown state":      {arguments{"image": "lab/images/i", "state": "paused"}, "state"},
		"no memory":             {arguments{"image": "lab/images/i", "memory_mib": 0}, "memory_mib"},
		"a time of nothing":     {arguments{"image": "lab/images/i", "stop_timeout": "0s"}, "stop_timeout"},
		"a limit of nothing":    {arguments{"image": "lab/images/i", "timeouts": arguments{"create": "-1m"}}, "create"},
		"an unknown limit":      {arguments{"image": "lab/images/i", "timeouts": arguments{"create": unknown}}, ""},
		"unknown limits":        {arguments{"image": "lab/images/i", "timeouts": unknown}, ""},
		"memory beyond measure": {arguments{"image": "lab/images/i", "memory_mib": 1 << 40}, "memory_mib"},
		"a disk beyond measure": {arguments{"image": "lab/images/i", "disk_gib": 1 << 33}, "disk_gib"},
		"everything unknown": {arguments{"name": unknown, "host": unknown, "image": unknown, "kernel": unknown, "cloud_init": unknown, "fork_of": unknown, "vcpus": unknown, "memory_mib": unknown,
			"disk_gib": unknown, "state": unknown, "network_interfaces": unknown, "ready": unknown, "stop_timeout": unknown, "allow_restart": unknown,
			"deletion_protection": unknown, "labels": unknown, "timeouts": unknown}, ""},
		"everything within unknown": {arguments{"kernel": arguments{"image": unknown, "initrd": unknown, "command_line": unknown},
			"cloud_init":         arguments{"user_data": unknown, "user_data_wo": unknown, "user_data_wo_version": unknown, "meta_data": unknown, "network_config": unknown, "on_change": unknown},
			"network_interfaces": arguments{"lan": arguments{"type": unknown, "forward": arguments{"a": arguments{"guest_port": unknown, "host_port": unknown, "host_address": unknown, "protocol": unknown}}}},
			"ready":              arguments{"check": unknown, "port": unknown, "path": unknown, "pattern": unknown, "timeout": unknown},
			"labels":             arguments{"a": unknown}, "timeouts": arguments{"create": unknown}}, ""},
		"firmware, CPU and machine": {arguments{"image": "lab/images/i", "firmware": "uefi", "cpu_model": "Skylake-Server-v4", "machine_type": "pc-q35-rhel9.2.0"}, ""},
		"of which nothing is known": {arguments{"image": "lab/images/i", "firmware": unknown, "cpu_model": unknown, "machine_type": unknown}, ""},
		"firmware of no kind":       {arguments{"image": "lab/images/i", "firmware": "ovmf"}, "firmware"},
		"a CPU with flags":          {arguments{"image": "lab/images/i", "cpu_model": "max,-vmx"}, "cpu_model"},
		"a CPU of nothing":          {arguments{"image": "lab/images/i", "cpu_model": ""}, "cpu_model"},
		"an alias of a machine":     {arguments{"image": "lab/images/i", "machine_type": "q35"}, "machine_type"},
		"a machine of another kind": {arguments{"image": "lab/images/i", "machine_type": "pc-i440fx-7.2"}, "machine_type"},
		"a machine with an option":  {arguments{"image": "lab/images/i", "machine_type": "pc-q35-7.2,accel=tcg"}, "machine_type"},
		"a label without a key":     {arguments{"image": "lab/images/i", "labels": arguments{"": "x"}}, "labels"},
		"too long a label":          {arguments{"image": "lab/images/i", "labels": arguments{"x": strings.Repeat("x", 256)}}, "labels"},
		"a bad name":                {arguments{"image": "lab/images/i", "name": "-a"}, "name"},

		"an interface's bad name": {arguments{"image": "lab/images/i", "network_interfaces": arguments{"LAN 1": arguments{}}}, "network_interfaces"},
		"another type":            {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "tap"})}, "type"},
		"no bridge":               {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge"})}, "bridge"},
		"an inherited bridge":     {arguments{"fork_of": "lab/snapshots/s", "network_interfaces": nic(arguments{"type": "bridge"})}, ""},
		"a bridge":                {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "bridge": "br0", "mac_address": "52:54:01:00:00:0a"})}, ""},
		"a network":               {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "network": "lab/networks/lan"})}, ""},
		"perhaps a network":       {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "bridge": unknown, "network": unknown})}, ""},
		"perhaps on a bridge":     {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": unknown, "bridge": "br0"})}, ""},
		"bridge and network":      {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "bridge": "br0", "network": "lab/networks/lan"})}, "bridge"},
		"another host's network":  {arguments{"image": "lab/images/i", "host": "lab", "network_interfaces": nic(arguments{"type": "bridge", "network": "far/networks/lan"})}, "network"},
		"no network's id":         {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "network": "lab/images/lan"})}, "network"},
		"a bridge of type user":   {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"bridge": "br0"})}, "bridge"},
		"too long a bridge":       {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "bridge": "br0123456789abcd"})}, "bridge"},
		"a restricted bridge":     {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "bridge": "br0", "restrict": true})}, "restrict"},
		"a forward on a bridge":   {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "bridge", "bridge": "br0", "forward": http})}, "forward"},
		"passt":                   {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "passt", "forward": http})}, ""},
		"passt on a bridge":       {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "passt", "bridge": "br0"})}, "bridge"},
		"passt, restricted":       {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "passt", "restrict": true})}, "restrict"},
		"passt, perhaps":          {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"type": "passt", "restrict": unknown})}, ""},
		"passt twice": {arguments{"image": "lab/images/i", "network_interfaces": arguments{
			"a": arguments{"type": "passt"}, "b": arguments{"type": "passt"},
		}}, "type"},
		"a group's MAC address":  {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"mac_address": "53:54:01:00:00:0a"})}, "mac_address"},
		"a MAC address in upper": {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"mac_address": "52:54:01:00:00:0A"})}, "mac_address"},
		"a MAC address of eight": {arguments{"image": "lab/images/i", "network_interfaces": nic(arguments{"mac_address": "02:00:5e:10:00:00:00:01"})}, "mac_address"},
		"a MAC address twice": {arguments{"image": "lab/images/i", "network_interfaces": arguments{
			"a": arguments{"mac_address": "52:54:01:00:00:0a"}, "b": arguments{"mac_address": "52:54:01:00:00:0a"},
		}}, "mac_address"},
		"a guest port of 0":       {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 0}})}, "guest_port"},
		"a host name to listen":   {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 1, "host_address": "localhost"}})}, "host_address"},
		"a host port twice":       {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 1, "host_port": 7}, "b": arguments{"guest_port": 2, "host_port": 7}})}, "host_port"},
		"a host port by tcp, udp": {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 1, "host_port": 7}, "b": arguments{"guest_port": 2, "host_port": 7, "protocol": "udp"}})}, ""},
		"perhaps by udp":          {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 1, "host_port": 7}, "b": arguments{"guest_port": 2, "host_port": 7, "protocol": unknown}})}, ""},
		"17 interfaces":           {arguments{"image": "lab/images/i", "network_interfaces": interfaces(17)}, "network_interfaces"},
		"16 interfaces":           {arguments{"image": "lab/images/i", "network_interfaces": interfaces(16)}, ""},
		"host ports to be chosen": {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 1}, "b": arguments{"guest_port": 2}})}, ""},

		"a seed":                    {seeded(arguments{"user_data": "#cloud-config\nusers: []\n", "meta_data": "a: b", "network_config": "version: 2"}), ""},
		"a script":                  {seeded(arguments{"user_data": "#!/bin/sh\n: [", "on_change": "ignore"}), ""},
		"a seed of defaults":        {seeded(arguments{}), ""},
		"a secret":                  {seeded(arguments{"user_data_wo": "#!/bin/sh", "user_data_wo_version": 1}), ""},
		"a secret without version":  {seeded(arguments{"user_data_wo": "#!/bin/sh"}), "user_data_wo_version"},
		"a version of nothing":      {seeded(arguments{"user_data_wo_version": 1}), "user_data_wo_version"},
		"perhaps a version of it":   {seeded(arguments{"user_data_wo": unknown, "user_data_wo_version": 1}), ""},
		"two sets of user data":     {seeded(arguments{"user_data": "#!/bin/sh", "user_data_wo": "#!/bin/sh", "user_data_wo_version": 1}), "user_data_wo"},
		"perhaps two":               {seeded(arguments{"user_data": unknown, "user_data_wo": "#!/bin/sh", "user_data_wo_version": 1}), ""},
		"user data that is no YAML": {seeded(arguments{"user_data": "#cloud-config\nusers: [a\n"}), "user_data"},
		"a secret that is no YAML":  {seeded(arguments{"user_data_wo": "#cloud-config\npassword: *hunter2\n", "user_data_wo_version": 1}), "user_data_wo"},
		"metadata that is a list":   {seeded(arguments{"meta_data": "- a"}), "meta_data"},
		"a network that is text":    {seeded(arguments{"network_config": "dhcp"}), "network_config"},
		"too much user data":        {seeded(arguments{"user_data": strings.Repeat("x", 256<<10+1)}), "cloud_init"},
		"an unknown on_change":      {seeded(arguments{"on_change": "reboot"}), "on_change"},
		"an empty text":             {seeded(arguments{"user_data": ""}), "user_data"},

		"ready by http":              {arguments{"image": "lab/images/i", "network_interfaces": lan(http), "ready": arguments{"check": "http", "port": 80, "path": "/up"}}, ""},
		"by http without a port":     {arguments{"image": "lab/images/i", "network_interfaces": lan(http), "ready": arguments{"check": "http"}}, "port"},
		"by a port not forwarded":    {arguments{"image": "lab/images/i", "network_interfaces": lan(http), "ready": arguments{"check": "ssh", "port": 22}}, "port"},
		"by ssh, with no interface":  {arguments{"image": "lab/images/i", "ready": arguments{"check": "ssh", "port": 22}}, "port"},
		"by a port forwarded by udp": {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": 22, "protocol": "udp"}}), "ready": arguments{"check": "ssh", "port": 22}}, "port"},
		"by what a fork may inherit": {arguments{"fork_of": "lab/snapshots/s", "ready": arguments{"check": "ssh", "port": 22}}, ""},
		"by an inherited forward":    {arguments{"fork_of": "lab/snapshots/s", "network_interfaces": arguments{"lan": arguments{}}, "ready": arguments{"check": "ssh", "port": 22}}, ""},
		"by what a fork does not":    {arguments{"fork_of": "lab/snapshots/s", "network_interfaces": lan(http), "ready": arguments{"check": "ssh", "port": 22}}, "port"},
		"by unknown interfaces":      {arguments{"image": "lab/images/i", "network_interfaces": unknown, "ready": arguments{"check": "ssh", "port": 22}}, ""},
		"by unknown forwards":        {arguments{"image": "lab/images/i", "network_interfaces": lan(unknown), "ready": arguments{"check": "ssh", "port": 22}}, ""},
		"by an unknown forward":      {arguments{"image": "lab/images/i", "network_interfaces": lan(arguments{"a": arguments{"guest_port": unknown}}), "ready": arguments{"check": "ssh", "port": 22}}, ""},
		"by an unknown port":         {arguments{"image": "lab/images/i", "network_interfaces": lan(http), "ready": arguments{"check": "ssh", "port": unknown}}, ""},
		"by an unknown check":        {arguments{"image": "lab/images/i", "ready": arguments{"check": unknown}}, ""},
		"by something unknown":       {arguments{"image": "lab/images/i", "ready": unknown}, ""},
		"by the console":             {arguments{"image": "lab/images/i", "ready": arguments{"check": "console", "pattern": "login: $"}}, ""},
		"without a pattern":          {arguments{"image": "lab/images/i", "ready": arguments{"check": "console"}}, "pattern"},
		"by no regular expression":   {arguments{"image": "lab/images/i", "ready": arguments{"check": "console", "pattern": "("}}, "pattern"},
		"by a path of ssh":           {arguments{"fork_of": "lab/snapshots/s", "ready": arguments{"check": "ssh", "port": 22, "path": "/"}}, "path"},
		"by ssh, perhaps by a path":  {arguments{"fork_of": "lab/snapshots/s", "ready": arguments{"check": "ssh", "port": 22, "path": unknown, "pattern": unknown}}, ""},
		"by console, perhaps a port": {arguments{"fork_of": "lab/snapshots/s", "ready": arguments{"check": "console", "pattern": "up", "port": unknown, "path": unknown}}, ""},
		"by magic":                   {arguments{"image": "lab/images/i", "ready": arguments{"check": "magic"}}, "check"},
	} {
		config := arguments{"name": "web"}
		for argument, value := range c.config {
			config[argument] = value
		}
		diags := prototest.New(t, &fakeProvider{}).ValidateResource(t, "kvm_instance", config)
		switch {
		case c.at == "" && len(diags) != 0:
			t.Errorf("%s: %s", name, told(diags))
		case c.at != "" && (len(diags) == 0 || !strings.Contains(diags[0].Attribute.String(), `"`+c.at+`"`)):
			t.Errorf("%s: %s; want an error at %s", name, told(diags), c.at)
		}
	}
}

func nic(has arguments) arguments { return arguments{"lan": has} }

func interfaces(n int) arguments {
	all := arguments{}
	for i := range n {
		all[fmt.Sprintf("lan%d", i)] = arguments{}
	}
	return all
}

func told(diags []*tfprotov6.Diagnostic) string {
	var all []string
	for _, d := range diags {
		all = append(all, d.Attribute.String()+": "+d.Summary+": "+d.Detail)
	}
	return strings.Join(all, "; ")
}

// FuzzIsIPv4 takes anything for an address to listen on: what is accepted QEMU
// is told as just that.
func FuzzIsIPv4(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "0.0.0.0", "::1", "1.2.3.4%eth0", "::ffff:1.2.3.4", "010.0.0.1", "1.2.3.4:22-:22,x", "1.2.3.4 net1", "1.2.3.4\n", "localhost", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if isIPv4(text) != nil {
			return
		}
		forward := qemu.Forward{Protocol: defaultProtocol, HostAddress: text, HostPort: 1, GuestPort: 2}
		if err := forward.Check(); err != nil || strings.Trim(text, "0123456789.") != "" || strings.Count(text, ".") != 3 {
			t.Errorf("%q: %v", text, err)
		}
	})
}
