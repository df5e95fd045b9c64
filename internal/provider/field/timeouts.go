package field

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/effect"
)

// Limits are an object's default time limits; an operation of zero has none.
type Limits struct{ Create, Update, Delete time.Duration }

// Timeouts is the attribute with which a user sets others.
func Timeouts(ctx context.Context, effects effect.Table, limits Limits) schema.Attribute {
	describe := func(operation string, limit time.Duration) string {
		return fmt.Sprintf("Time limit to %s the %s, such as `90s` or `1h30m`. Default: `%s`.", operation, effects.Object, Duration(limit))
	}
	attribute := timeouts.Attributes(ctx, timeouts.Opts{
		Create: limits.Create != 0, CreateDescription: describe("create", limits.Create),
		Update: limits.Update != 0, UpdateDescription: describe("update", limits.Update),
		Delete: limits.Delete != 0, DeleteDescription: describe("delete", limits.Delete),
	}).(schema.SingleNestedAttribute)
	for operation, limit := range attribute.Attributes {
		text := limit.(schema.StringAttribute)
		text.Validators = []validator.String{IsDuration()} // unlike theirs, of more than nothing
		attribute.Attributes[operation] = text
	}
	attribute.MarkdownDescription = effects.Describe("timeouts", "Time limits of operations.")
	return attribute
}

// A limit reads one operation's time limit; the methods of timeouts.Value are such.
type limit func(context.Context, time.Duration) (time.Duration, diag.Diagnostics)

// Within bounds ctx by an operation's time limit. A limit that cannot be read
// was refused when the configuration was validated.
func Within(ctx context.Context, of limit, byDefault time.Duration) (context.Context, context.CancelFunc) {
	duration, _ := of(ctx, byDefault)
	return context.WithTimeout(ctx, duration)
}

// Duration writes d as a user would: "20m", not "20m0s".
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
