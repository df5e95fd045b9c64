package field

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Settings are the arguments that only Terraform acts on. Its state is the one
// that counts; a copy is noted with the object on its host, as the user wrote
// them, so that an object that is imported has them, too.
type Settings struct {
	Timeouts map[string]string `json:"timeouts,omitzero"` // by operation; nil: left out
}

// Note is what is noted of settings; nothing of those that are all left out.
func Note[T any](settings T) json.RawMessage {
	if reflect.ValueOf(settings).IsZero() {
		return nil
	}
	text, err := json.Marshal(settings)
	if err != nil {
		panic(err) // our own types always marshal
	}
	return text
}

// Noted is what a note says. One that cannot be read says nothing: it is no
// reason not to see the object.
func Noted[T any](note json.RawMessage) T {
	var settings, none T
	if json.Unmarshal(note, &settings) != nil {
		return none
	}
	return settings
}

// IsNoted reports whether a note says just this.
func IsNoted[T any](note json.RawMessage, settings T) bool {
	return reflect.DeepEqual(Noted[T](note), settings)
}

// TimeoutsOf is what is set of time limits.
func TimeoutsOf(value timeouts.Value) map[string]string {
	if value.IsNull() || value.IsUnknown() {
		return nil
	}
	limits := map[string]string{}
	for operation, limit := range value.Attributes() {
		if text, ok := limit.(types.String); ok && !text.IsNull() {
			limits[operation] = text.ValueString()
		}
	}
	return limits
}

// TimeoutsValue is a value of the type of another that has these limits.
func TimeoutsValue(like timeouts.Value, limits map[string]string) timeouts.Value {
	operations := like.AttributeTypes(context.Background())
	if limits == nil {
		return timeouts.Value{Object: types.ObjectNull(operations)}
	}
	values := make(map[string]attr.Value, len(operations))
	for operation := range operations {
		values[operation] = TextValue(limits[operation])
	}
	return timeouts.Value{Object: types.ObjectValueMust(operations, values)}
}

// TextValue is text; null when there is none.
func TextValue(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// Texts are the strings of a list; none of one that is null or not known.
func Texts(list types.List) []string {
	var texts []string
	for _, element := range list.Elements() {
		if text, ok := element.(types.String); ok {
			texts = append(texts, text.ValueString())
		}
	}
	return texts
}

// TextsValue is a list of strings, never null.
func TextsValue(texts []string) types.List {
	elements := make([]attr.Value, 0, len(texts))
	for _, text := range texts {
		elements = append(elements, types.StringValue(text))
	}
	return types.ListValueMust(types.StringType, elements)
}
