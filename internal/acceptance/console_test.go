package acceptance_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
)

// TestConsole_IsTextInEveryState has a guest say what a terminal would obey.
func TestConsole_IsTextInEveryState(t *testing.T) {
	t.Parallel()
	config := func(state string) string {
		return fork("speaks", "state = "+quote(state)) + `
			data "kvm_console" "speaks" {
				instance = kvm_instance.speaks.id
				lines    = 2
			}
		`
	}
	says := statecheck.ExpectKnownValue("data.kvm_console.speaks", tfjsonpath.New("output"), knownvalue.StringExact(`first \x1b]0;title\a`+"\nred"))
	shared.apply(t, "speaks",
		tf.TestStep{Config: `data "kvm_console" "none" { instance = "default/instances/speaks-not" }`,
			ExpectError: regexp.MustCompile(`(?s)Unable to read the console of instance speaks-not.*does\s+not\s+exist.*Host: default`)},
		tf.TestStep{Config: fork("speaks")},
		after(func() { shared.speaks(t, "speaks", `printf 'first \033]0;title\a\n\033[31mred\033[0m\n' >/dev/ttyS0`) },
			tf.TestStep{Config: config("running"), ConfigStateChecks: checks{says, shared.isIn("speaks", lifecycle.Running)}}),
		tf.TestStep{Config: config("standby"), ConfigStateChecks: checks{says, shared.isIn("speaks", lifecycle.Standby)}},
		tf.TestStep{Config: config("standby"), PlanOnly: true},
	)
}

// speaks runs a command in a guest.
func (l *lab) speaks(t *testing.T, name, command string) {
	t.Helper()
	c, err := l.client(context.Background(), name)
	must(t, err)
	_, err = c.Run(context.Background(), command)
	must(t, err)
}
