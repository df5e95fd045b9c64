package acceptance_test

import (
	"fmt"
	"net"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

func TestName_ThatIsTakenIsLeftAloneAndSaysHowToImport(t *testing.T) {
	t.Parallel()
	snapshot := "resource \"kvm_snapshot\" \"taken\" {\n  name = %q\n  instance = \"default/instances/base\"\n}\n"
	shared.apply(t, "taken",
		refused(fork("base"), "Unable to fork instance base", "name is taken", "Host: default", "Choose another name", "terraform import ADDRESS default/instances/base"),
		refused(booted("base", ""), "Unable to create instance base", "name is taken", "Host: default", "terraform import ADDRESS default/instances/base"),
		refused(image("disk", shared.guest.Disk, ""), "Unable to create image disk", "name is taken", "Host: default", "terraform import ADDRESS default/images/disk"),
		refused(fmt.Sprintf(snapshot, "golden"), "Unable to take snapshot golden", "name is taken", "Host: default", "terraform import ADDRESS default/snapshots/golden"),
		tf.TestStep{
			Config:            fork("taken") + fmt.Sprintf(snapshot, "taken"),
			ConfigStateChecks: checks{shared.hasToken("base", &shared.token), shared.hasToken("taken", &shared.token)},
		},
	)
}

func TestHostPort_ThatIsTakenStopsNothing(t *testing.T) {
	t.Parallel()
	base, err := shared.instance(t.Context(), "base")
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	foreign, ours := listener.Addr().(*net.TCPAddr).Port, base.Forwards["lan"]["http"].HostPort
	on := func(port int) string {
		return fork("port", fmt.Sprintf("network_interfaces = { lan = { forward = { http = { guest_port = 80, host_port = %d } } } }", port))
	}
	clean := shared.nothing(t, "port")
	shared.apply(t, "port",
		refused(on(ours), "Unable to fork instance port", fmt.Sprintf("port %d belongs to instance base", ours), "Host: default", "Choose another host_port"),
		after(clean, refused(on(foreign), "instance port", "Host: default", "Could not set up host forwarding rule", fmt.Sprint(foreign), "nothing is left on the host", "Choose another host_port")),
		after(func() { clean(); listener.Close() }, tf.TestStep{
			Config:            on(foreign),
			ConfigStateChecks: checks{shared.hasToken("port", &shared.token)},
		}),
		// The same of a guest that runs: it goes on as it was.
		refused(on(ours), "Unable to update instance port", fmt.Sprintf("port %d belongs to instance base", ours), "Host: default", "Choose another host_port"),
		tf.TestStep{Config: on(foreign), ConfigStateChecks: checks{shared.hasToken("port", &shared.token), shared.hasToken("base", &shared.token)}},
	)
}

func TestGuest_ThatPanicsIsKeptToBeLookedAtAndThenReplaced(t *testing.T) {
	t.Parallel()
	shared.apply(t, "panic",
		refused(booted("panic", readyHTTP, "testguest.panic"),
			"instance panic", "its kernel has panicked", "Host: default", "The host said", "Kernel panic - not syncing", "is kept, marked as tainted", "Look at its console"),
		after(func() { must(t, shared.holds("panic", "instances/panic")(t.Context())) }, tf.TestStep{
			Config:            booted("panic", readyHTTP),
			ConfigPlanChecks:  planned("kvm_instance.panic", plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: checks{shared.hasNewToken("panic", new(shared.token))},
		}),
	)
}

func TestGuest_ThatIsNotReadyInTimeIsKeptToBeLookedAtAndThenReplaced(t *testing.T) {
	t.Parallel()
	// Long enough for a kernel to have said something, also on a busy machine.
	soon := `ready = { check = "http", port = 80, path = "/token", timeout = "15s" }`
	shared.apply(t, "silent",
		refused(booted("silent", soon, "testguest.silent", "ignore_loglevel"),
			"instance silent", "did not get ready within 15s", "Host: default", "The host said", "[", "is running and is kept, marked as tainted", "raise the check's timeout"),
		tf.TestStep{
			Config:            booted("silent", readyHTTP),
			ConfigPlanChecks:  planned("kvm_instance.silent", plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: checks{shared.hasNewToken("silent", new(shared.token))},
		},
	)
}
