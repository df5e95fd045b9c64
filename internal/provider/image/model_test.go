package image

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

var (
	sum   = strings.Repeat("ab", 32)
	other = strings.Repeat("cd", 32)
)

func TestFill_KeepsAChecksumAsItWasWrittenWhileItHolds(t *testing.T) {
	for name, c := range map[string]struct{ was, want types.String }{
		"left out":        {types.StringUnknown(), types.StringValue("sha256:" + sum)},
		"imported":        {types.StringNull(), types.StringValue("sha256:" + sum)},
		"in capitals":     {types.StringValue("sha256:" + strings.ToUpper(sum)), types.StringValue("sha256:" + strings.ToUpper(sum))},
		"holds no longer": {types.StringValue("sha256:" + other), types.StringValue("sha256:" + sum)},
	} {
		m := model{Checksum: c.was}
		m.fill("lab", &host.Image{Name: "debian", SHA256: sum})
		if !m.Checksum.Equal(c.want) {
			t.Errorf("%s: %s; want %s", name, m.Checksum, c.want)
		}
	}
}

func TestSpec_HasTheChecksumInDigits(t *testing.T) {
	m := model{Name: types.StringValue("debian"), Source: types.StringValue("/x"), Checksum: types.StringValue("sha256:" + strings.ToUpper(sum))}
	if spec, err := m.spec(); err != nil || !reflect.DeepEqual(spec, host.ImageSpec{Name: "debian", Source: "/x", SHA256: sum}) {
		t.Errorf("%+v, %v", spec, err)
	}
	m.Checksum = types.StringUnknown()
	if spec, err := m.spec(); err != nil || spec.SHA256 != "" {
		t.Errorf("left out: %+v, %v", spec, err)
	}
}

func TestSource_IsToldToTheHostWithoutSecrets(t *testing.T) {
	const full, told = "https://me:pw@example.com/a%20b.img?sig=x#y", "https://example.com/a%20b.img?redacted"
	m := model{Name: types.StringValue("debian"), Source: types.StringValue(full)}
	if spec, err := m.spec(); err != nil || spec.Source != told {
		t.Errorf("the host is told %q, %v; want %q", spec.Source, err, told)
	}
	for state, c := range map[string]struct {
		has  string // on the host
		want string // in the state, after a refresh
		same bool   // as full, for the plan
	}{
		full:                    {told, full, false}, // it is the same text, which needs no more to be so
		told:                    {told, told, true},
		"":                      {told, told, true}, // imported
		"https://other.example": {told, told, true},
		"https://example.com/a%20b.img?redacted ": {full, full, false}, // noted by an older version
	} {
		s := model{Source: types.StringValue(state)}
		s.fill("lab", &host.Image{Name: "debian", SHA256: sum, Source: c.has})
		if got := s.Source.ValueString(); got != c.want {
			t.Errorf("%q becomes %q; want %q", state, got, c.want)
		}
		if same := m.isSourceOf(&s); same != c.same {
			t.Errorf("%q is taken for the same: %t", state, same)
		}
	}
	rotated := model{Source: types.StringValue("https://me:pw@example.com/a%20b.img?sig=z")}
	if rotated.isSourceOf(&model{Source: types.StringValue(full)}) {
		t.Error("another query is taken for the same source")
	}
}

func TestChecksum_ThatTheImageHasIsNoChange(t *testing.T) {
	state := types.StringValue("sha256:" + sum)
	for name, c := range map[string]struct{ config, plan, want types.String }{
		"left out":      {types.StringNull(), types.StringUnknown(), state},
		"added":         {state, state, state},
		"in capitals":   {types.StringValue("sha256:" + strings.ToUpper(sum)), types.StringValue("sha256:" + strings.ToUpper(sum)), state},
		"another":       {types.StringValue("sha256:" + other), types.StringValue("sha256:" + other), types.StringValue("sha256:" + other)},
		"not known yet": {types.StringUnknown(), types.StringUnknown(), types.StringUnknown()},
	} {
		resp := planmodifier.StringResponse{PlanValue: c.plan}
		sameChecksum{}.PlanModifyString(t.Context(), planmodifier.StringRequest{ConfigValue: c.config, PlanValue: c.plan, StateValue: state}, &resp)
		if !resp.PlanValue.Equal(c.want) {
			t.Errorf("%s: %s; want %s", name, resp.PlanValue, c.want)
		}
	}
	resp := planmodifier.StringResponse{PlanValue: types.StringUnknown()}
	sameChecksum{}.PlanModifyString(t.Context(), planmodifier.StringRequest{ConfigValue: types.StringNull(), PlanValue: types.StringUnknown(), StateValue: types.StringNull()}, &resp)
	if !resp.PlanValue.IsUnknown() {
		t.Errorf("of a new image: %s; want it unknown", resp.PlanValue)
	}
}
