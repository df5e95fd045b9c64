package acceptance_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider"
)

// factories serve the provider in this process.
var factories = map[string]func() (tfprotov6.ProviderServer, error){
	"kvm": providerserver.NewProtocol6WithError(provider.New("test")()),
}

// apply runs steps of a test whose objects have names that begin with prefix.
// After the last of them Terraform destroys what it made, and nothing of the
// prefix may be left.
func (l *lab) apply(t *testing.T, prefix string, steps ...tf.TestStep) {
	t.Helper()
	test := tf.TestCase{ProtoV6ProviderFactories: factories, Steps: steps}
	if steps[0].ConfigDirectory != nil { // which has a provider block: the package wants one or the other
		test.ProtoV6ProviderFactories = nil
		for i := range steps {
			steps[i].ProtoV6ProviderFactories = factories
		}
	}
	tf.Test(t, test)
	l.nothing(t, prefix)()
}

// A check looks at what is really there, after a step.
type check func(context.Context) error

func (c check) CheckState(ctx context.Context, _ statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = c(ctx)
}

// checks are those of one step.
type checks = []statecheck.StateCheck

// holds wants the objects whose names begin with prefix to be exactly these.
func (l *lab) holds(prefix string, want ...string) check {
	return func(ctx context.Context) error {
		found, err := l.objects(ctx, prefix)
		if err != nil {
			return err
		}
		if fmt.Sprint(found) != fmt.Sprint(want) {
			return fmt.Errorf("on the host: %v; want %v", found, want)
		}
		return nil
	}
}

// nothing is what a step's preparation uses to see that the failure before it
// has left nothing.
func (l *lab) nothing(t *testing.T, prefix string) func() {
	return func() {
		t.Helper()
		if err := l.holds(prefix)(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// has wants an attribute to have a value.
func has(address, attribute, value string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), knownvalue.StringExact(value))
}

// isIn wants an instance to be in a state, as the host says.
func (l *lab) isIn(name string, want lifecycle.State) check {
	return func(ctx context.Context) error {
		inst, err := l.instance(ctx, name)
		if err != nil {
			return err
		}
		if inst.State != want || inst.Problem != "" {
			return fmt.Errorf("instance %s is %s (%s); want it %s", name, inst.State, inst.Problem, want)
		}
		return nil
	}
}

// hasToken wants a guest to have the memory of the one that made the token.
func (l *lab) hasToken(name string, token *string) check {
	return func(ctx context.Context) error {
		got, err := l.tokenOf(ctx, name)
		if err == nil && got != *token {
			err = fmt.Errorf("the guest of %s has the token %s; want %s", name, got, *token)
		}
		return err
	}
}

// hasNewToken wants a guest to have booted since the token was made, and
// remembers its own.
func (l *lab) hasNewToken(name string, token *string) check {
	return func(ctx context.Context) error {
		got, err := l.tokenOf(ctx, name)
		if err == nil && got == *token {
			err = fmt.Errorf("the guest of %s still has the token %s; want it booted anew", name, got)
		}
		*token = got
		return err
	}
}

// in runs a command in a guest and wants its output.
func (l *lab) in(name, command, want string) check {
	return func(ctx context.Context) error {
		c, err := l.client(ctx, name)
		if err != nil {
			return err
		}
		got, err := c.Run(ctx, command)
		if err == nil && strings.TrimSpace(got) != want {
			err = fmt.Errorf("%s in %s: %q; want %q", command, name, got, want)
		}
		return err
	}
}

// planned wants the plan to do something to an object.
func planned(address string, action plancheck.ResourceActionType) tf.ConfigPlanChecks {
	return tf.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// says matches a diagnostic that has all of these words in this order, however
// Terraform breaks its lines.
func says(parts ...string) *regexp.Regexp {
	for i, part := range parts {
		words := strings.Fields(part)
		for j, word := range words {
			words[j] = regexp.QuoteMeta(word)
		}
		parts[i] = strings.Join(words, `[\s│]+`)
	}
	return regexp.MustCompile("(?s)" + strings.Join(parts, ".*"))
}

// refused is a step that fails with a diagnostic.
func refused(config string, parts ...string) tf.TestStep {
	return tf.TestStep{Config: config, ExpectError: says(parts...)}
}

// after is a step with a preparation.
func after(prepare func(), step tf.TestStep) tf.TestStep {
	step.PreConfig = prepare
	return step
}

// imported are the steps that import an object by its id and by its bare name.
func imported(address, id string, ignored ...string) []tf.TestStep {
	var steps []tf.TestStep
	for _, text := range []string{id, path.Base(id)} {
		steps = append(steps, tf.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: text,
			ImportStateVerify: true, ImportStateVerifyIgnore: ignored,
		})
	}
	return steps
}

// fork is a fork of the shared snapshot, which is waited for.
func fork(name string, lines ...string) string {
	return forkOf(name, "default/snapshots/golden", lines...)
}

func forkOf(name, source string, lines ...string) string {
	return fmt.Sprintf("resource \"kvm_instance\" %q {\n  name = %q\n  fork_of = %q\n"+
		"  ready = { check = \"http\", port = 80, path = \"/token\" }\n  %s\n}\n", name, name, source, strings.Join(lines, "\n  "))
}

// same makes a check of several steps: an attribute has one value in all of them.
func same(address, attribute string) func() statecheck.StateCheck {
	compared := statecheck.CompareValue(compare.ValuesSame())
	return func() statecheck.StateCheck { return compared.AddStateValue(address, tfjsonpath.New(attribute)) }
}

// hasLabel wants a label on the host.
func (l *lab) hasLabel(name, label, value string) check {
	return func(ctx context.Context) error {
		inst, err := l.instance(ctx, name)
		if err == nil && inst.Labels[label] != value {
			err = fmt.Errorf("the labels of %s are %v; want %s = %s", name, inst.Labels, label, value)
		}
		return err
	}
}

// hasBanner wants the guest's port 22 to answer where ssh is forwarded, and
// remembers that port.
func (l *lab) hasBanner(name string, port *int) check {
	return func(ctx context.Context) error {
		inst, err := l.instance(ctx, name)
		if err != nil {
			return err
		}
		*port = inst.Forwards["lan"]["ssh"].HostPort
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", *port), time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		banner, err := bufio.NewReader(conn).ReadString('\n')
		if err == nil && !strings.HasPrefix(banner, "SSH-2.0-testguest") {
			err = fmt.Errorf("port %d says %q", *port, banner)
		}
		return err
	}
}

// isFree wants nobody to listen on a port.
func isFree(port *int) check {
	return func(context.Context) error {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", *port), time.Second)
		if err == nil {
			conn.Close()
			return fmt.Errorf("somebody listens on port %d", *port)
		}
		return nil
	}
}

func join(first string, more ...string) string {
	return strings.Join(append([]string{first}, more...), " ")
}
