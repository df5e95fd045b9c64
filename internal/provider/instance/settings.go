package instance

import (
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// settings are the arguments of an instance that only Terraform acts on.
type settings struct {
	field.Settings
	Ready        *readiness      `json:"ready,omitempty"`
	Identity     *identityOfFork `json:"identity,omitempty"`
	OnFork       []string        `json:"on_fork,omitempty"`
	StopTimeout  string          `json:"stop_timeout,omitempty"`
	AllowRestart *bool           `json:"allow_restart,omitempty"`
	CloudInit    *seedNote       `json:"cloud_init,omitempty"`
}

// seedNote is what of the argument cloud_init the seed itself does not tell.
type seedNote struct {
	OnChange string `json:"on_change"`
	Version  *int64 `json:"user_data_wo_version,omitempty"` // its user data is a secret
	MetaData string `json:"meta_data,omitempty"`            // which has more in the seed
}

// readiness is the argument ready; what is "" or 0 is left out.
type readiness struct {
	Check   string `json:"check"`
	Port    int64  `json:"port,omitempty"`
	Path    string `json:"path,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	Timeout string `json:"timeout,omitempty"`
}

var readyType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"check":   types.StringType,
	"port":    types.Int64Type,
	"path":    types.StringType,
	"pattern": types.StringType,
	"timeout": types.StringType,
}}

// settings are those that m asks for.
func (m *model) settings() settings {
	s := settings{
		Settings:     field.Settings{Timeouts: field.TimeoutsOf(m.Timeouts)},
		StopTimeout:  m.StopTimeout.ValueString(),
		AllowRestart: m.AllowRestart.ValueBoolPointer(),
		Identity:     m.identity(),
		OnFork:       field.Texts(m.OnFork),
	}
	if c := m.cloudInit(); c != nil {
		s.CloudInit = &seedNote{c.OnChange.ValueString(), c.UserDataWOVersion.ValueInt64Pointer(), c.MetaData.ValueString()}
	}
	if !m.Ready.IsNull() {
		port, _ := m.Ready.Attributes()["port"].(types.Int64)
		s.Ready = &readiness{
			Check:   text(m.Ready, "check").ValueString(),
			Port:    port.ValueInt64(),
			Path:    text(m.Ready, "path").ValueString(),
			Pattern: text(m.Ready, "pattern").ValueString(),
			Timeout: text(m.Ready, "timeout").ValueString(),
		}
	}
	return s
}

// recall takes over the settings that were noted on the host, or the defaults.
func (m *model) recall(note json.RawMessage) {
	s := field.Noted[settings](note)
	m.Ready = types.ObjectNull(readyType.AttrTypes)
	if r := s.Ready; r != nil {
		port := types.Int64PointerValue(&r.Port)
		if r.Port == 0 {
			port = types.Int64Null()
		}
		m.Ready = types.ObjectValueMust(readyType.AttrTypes, map[string]attr.Value{
			"check":   types.StringValue(r.Check),
			"port":    port,
			"path":    field.TextValue(r.Path),
			"pattern": field.TextValue(r.Pattern),
			"timeout": field.TextValue(r.Timeout),
		})
	}
	m.Identity, m.OnFork = s.Identity.value(), types.ListNull(types.StringType)
	if s.OnFork != nil {
		m.OnFork = field.TextsValue(s.OnFork)
	}
	m.StopTimeout = types.StringValue(defaultStopTimeout)
	if s.StopTimeout != "" {
		m.StopTimeout = types.StringValue(s.StopTimeout)
	}
	m.AllowRestart = types.BoolValue(s.AllowRestart == nil || *s.AllowRestart)
	m.Timeouts = field.TimeoutsValue(m.Timeouts, s.Timeouts)
}
