package instance

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// What a guest can be asked, to see whether it is ready.
const (
	checkHTTP    = "http"
	checkSSH     = "ssh"
	checkConsole = "console"
	checkAgent   = "agent"
)

func readyAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: Effects.Describe("ready", "What to wait for after the instance was started or restored, and before a new instance is put into standby. "+
			"When it does not come, the apply fails and the instance is left running. Default: nothing."),
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"check": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("ready.check", "`http`: an answer with a status below 500; `ssh`: a server's banner; `console`: a line on the serial console; `agent`: an answer of the guest agent, for which `guest_agent` must be set. An open port alone proves nothing."),
				Required:            true,
				Validators:          []validator.String{stringvalidator.OneOf(checkHTTP, checkSSH, checkConsole, checkAgent)},
			},
			"port": schema.Int64Attribute{
				MarkdownDescription: Effects.Describe("ready.port", "Port in the guest, for `http` and `ssh`. A tcp `forward` to it must exist."),
				Optional:            true,
				Validators:          []validator.Int64{ports},
			},
			"path": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("ready.path", "Path to ask for, for `http`. Default: `/`."),
				Optional:            true,
				Validators:          []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^/[!-~]*$`), "must begin with / and have neither spaces nor control characters")},
			},
			"pattern": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("ready.pattern", "Regular expression ([RE2](https://github.com/google/re2/wiki/Syntax)) to look for in the console's output since the last boot, for `console`. The console of a fork begins empty."),
				Optional:            true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1), field.Valid("a regular expression", func(text string) error {
					_, err := regexp.Compile(text)
					return err
				})},
			},
			"timeout": schema.StringAttribute{
				MarkdownDescription: Effects.Describe("ready.timeout", "How long to wait, such as `90s`. Default: `5m`."),
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(defaultReadyTimeout),
				Validators:          []validator.String{field.IsDuration()},
			},
		},
	}
}
