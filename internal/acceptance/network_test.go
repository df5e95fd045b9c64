package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// TestNetwork_OfASourceAndItsForks: who reaches whom is tested with the driver.
func TestNetwork_OfASourceAndItsForksIsMadeChangedAndMended(t *testing.T) {
	for _, program := range []string{"ip", "nft", "dnsmasq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("this needs ip, nft and dnsmasq (packages iproute2, nftables, dnsmasq-base)")
		}
	}
	t.Parallel()
	link := testhost.NewLink(t, testhost.LinkOptions{})
	own := newLab(t, testhost.Options{Link: link})
	within := func(argv ...string) func() {
		return func() {
			argv := link.Within(argv...)
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", argv, err, out)
			}
		}
	}
	config := func(network, forks string) string {
		return own.provider(nil) + image("vmlinuz", own.guest.Kernel, "") + image("initrd", own.guest.Initrd, "") + fmt.Sprintf(`
			resource "kvm_network" "lan" {
				name = "lan"
				%s
			}
			resource "kvm_instance" "base" {
				name               = "base"
				kernel             = { image = kvm_image.vmlinuz.id, initrd = kvm_image.initrd.id, command_line = %q }
				memory_mib         = 128
				network_interfaces = {
					lan  = { forward = { http = { guest_port = 80 } } }
					wire = { type = "bridge", network = kvm_network.lan.id }
				}
				%s
			}
			`, network, testhost.CommandLine+" testguest.dhcp", readyHTTP) +
			forkOf("fork-a", "default/instances/base", "depends_on = [kvm_instance.base]", forks) +
			forkOf("fork-b", "default/instances/base", "depends_on = [kvm_instance.base]", forks)
	}
	// apart wants three instances with three addresses, and the driver to see them.
	apart := check(func(ctx context.Context) error {
		seen := map[string]string{}
		for _, name := range []string{"base", "fork-a", "fork-b"} {
			inst, err := own.instance(ctx, name)
			if err != nil {
				return err
			}
			mac := inst.Machine.NICs[1].MAC
			if inst.State != lifecycle.Running || seen[mac] != "" {
				return fmt.Errorf("%s is %s and has the address %s, as has %q", name, inst.State, mac, seen[mac])
			}
			seen[mac] = name
		}
		return nil
	})
	isUp := check(func(ctx context.Context) error {
		own.driver.Forget()
		n, err := own.driver.Network(ctx, "lan")
		if err == nil && !n.Up {
			err = errors.New("it is down")
		}
		return err
	})
	bridge := same("kvm_network.lan", "bridge")
	mac := same(`kvm_instance.fork-a`, "network_interfaces")
	steps := []tf.TestStep{
		refused(config(`dhcp_range = { first = "10.80.0.7", last = "10.80.0.9" }`, ""), "No network", "Set cidr, too"),
		{Config: config(`cidr = "10.80.0.0/24"`, ""), ConfigStateChecks: checks{
			apart, isUp, bridge(), mac(), has("kvm_network.lan", "gateway", "10.80.0.1"), has("kvm_network.lan", "domain", "lan.internal"),
		}},
		{Config: config(`cidr = "10.80.1.0/24"`, ""), ConfigPlanChecks: planned("kvm_network.lan", plancheck.ResourceActionUpdate), ConfigStateChecks: checks{
			apart, isUp, bridge(), mac(), has("kvm_network.lan", "gateway", "10.80.1.1"),
		}},
		after(within("sh", "-c", `nft flush ruleset && for bridge in $(ip -o link show type bridge | cut -d: -f2); do ip link del "$bridge"; done`), tf.TestStep{
			Config: config(`cidr = "10.80.1.0/24"`, ""), ConfigPlanChecks: planned("kvm_network.lan", plancheck.ResourceActionUpdate), ConfigStateChecks: checks{apart, isUp, bridge(), mac()},
		}),
		{Config: config(`cidr = "10.80.1.0/24"`, `network_interfaces = { lan = {}, wire = { type = "bridge" } }`), ConfigPlanChecks: planned(`kvm_instance.fork-a`, plancheck.ResourceActionNoop), ConfigStateChecks: checks{apart, mac()}},
	}
	steps = append(steps, imported("kvm_network.lan", "default/networks/lan")...)
	steps = append(steps, imported("kvm_instance.base", "default/instances/base")...)
	own.apply(t, "", steps...)
}
