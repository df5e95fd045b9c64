package acceptance_test

import (
	"context"
	"errors"
	"testing"

	tf "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

// TestInstance_IsRestrictedByARestart: what a restricted guest reaches is tested
// with the driver.
func TestInstance_IsRestrictedByARestart(t *testing.T) {
	t.Parallel()
	token := shared.token
	restricted := check(func(ctx context.Context) error {
		inst, err := shared.instance(ctx, "cut-off")
		if err == nil && !inst.Machine.NICs[0].Restrict {
			err = errors.New("it is not restricted")
		}
		return err
	})
	shared.apply(t, "cut-off",
		refused(fork("cut-off", `network_interfaces = { lan = { restrict = true } }`), "A fork takes its machine from its source", "has restrict = false"),
		tf.TestStep{Config: fork("cut-off"), ConfigStateChecks: checks{shared.hasToken("cut-off", &token)}},
		refused(fork("cut-off", `network_interfaces = { lan = { restrict = true } }`, "allow_restart = false"), "The change needs a restart", "restrict"),
		tf.TestStep{
			Config:            fork("cut-off", `network_interfaces = { lan = { restrict = true } }`),
			ConfigPlanChecks:  planned("kvm_instance.cut-off", plancheck.ResourceActionUpdate),
			ConfigStateChecks: checks{restricted, shared.hasNewToken("cut-off", &token)},
		},
		tf.TestStep{Config: fork("cut-off"), ConfigStateChecks: checks{restricted, shared.hasToken("cut-off", &token)}},
	)
}
