package instance

import (
	"encoding/json"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
)

// importedModel is what Terraform knows of an instance that is being imported.
func importedModel(t *testing.T) *model {
	m := modelOf(t, map[string]any{"state": nil, "labels": nil, "deletion_protection": nil})
	m.UID = types.StringNull()
	return m
}

func TestSettings_AreRecalledAsTheyWereNoted(t *testing.T) {
	for name, arguments := range map[string]map[string]any{
		"none": {},
		"some": {"stop_timeout": "90s", "allow_restart": true, "timeouts": map[string]any{}},
		"all": {
			"stop_timeout": "1m30s", "allow_restart": false, "timeouts": map[string]any{"create": "5m", "delete": "1h0m"},
			"ready": map[string]any{"check": "http", "port": 80, "path": "/up?a=<b>", "timeout": "60s"},
		},
		"by the console": {"ready": map[string]any{"check": "console", "pattern": `"login": \$$`, "timeout": "5m"}},
	} {
		for argument, value := range map[string]any{"stop_timeout": "30s", "allow_restart": true} { // the defaults
			if arguments[argument] == nil {
				arguments[argument] = value
			}
		}
		declared, found := modelOf(t, arguments), importedModel(t)
		found.fill("lab", &host.Instance{Record: host.Record{Name: "a", UID: "u", Settings: declared.spec().Settings}, State: lifecycle.Stopped})
		if !found.Ready.Equal(declared.Ready) || !found.StopTimeout.Equal(declared.StopTimeout) ||
			!found.AllowRestart.Equal(declared.AllowRestart) || !found.Timeouts.Equal(declared.Timeouts) {
			t.Errorf("%s: ready %s, stop_timeout %s, allow_restart %s, timeouts %s", name, found.Ready, found.StopTimeout, found.AllowRestart, found.Timeouts)
		}
	}
}

func TestSettings_ThatCannotBeReadAreTheDefaults(t *testing.T) {
	for _, note := range []string{"", "{}", `"by hand"`, `{"ready": 7}`, `{"of": "a newer provider"}`} {
		m := importedModel(t)
		m.fill("lab", &host.Instance{Record: host.Record{Name: "a", UID: "u", Settings: json.RawMessage(note)}, State: lifecycle.Stopped})
		if !m.Ready.IsNull() || m.StopTimeout.ValueString() != "30s" || !m.AllowRestart.ValueBool() || !m.Timeouts.IsNull() {
			t.Errorf("%s: ready %s, stop_timeout %s, allow_restart %s, timeouts %s", note, m.Ready, m.StopTimeout, m.AllowRestart, m.Timeouts)
		}
	}
}

func TestSettings_ThatTerraformKnowsCount(t *testing.T) {
	m := modelOf(t, map[string]any{"uid": "u", "stop_timeout": "90s", "allow_restart": false})
	m.fill("lab", &host.Instance{Record: host.Record{Name: "a", UID: "u", Settings: json.RawMessage(`{"stop_timeout":"1s","allow_restart":true,"ready":{"check":"ssh"}}`)}})
	if m.StopTimeout.ValueString() != "90s" || m.AllowRestart.ValueBool() || !m.Ready.IsNull() {
		t.Errorf("ready %s, stop_timeout %s, allow_restart %s", m.Ready, m.StopTimeout, m.AllowRestart)
	}
}

func TestChange_NotesSettingsThatTheHostHasNot(t *testing.T) {
	m := modelOf(t, map[string]any{"stop_timeout": "90s", "allow_restart": true})
	inst := &host.Instance{State: lifecycle.Running}
	change := m.change(inst)
	if !field.IsNoted(change.Settings, m.settings()) || (announced{}).via(change, inst) != lifecycle.Running {
		t.Errorf("%s, by way of %s", change.Settings, (announced{}).via(change, inst))
	}
	inst.Settings = json.RawMessage(`{ "allow_restart": true, "stop_timeout": "90s" }`) // the same by another hand
	if change := m.change(inst); !isNothing(change) {
		t.Errorf("%+v; want nothing", change)
	}
}
