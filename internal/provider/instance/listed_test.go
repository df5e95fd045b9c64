package instance

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
)

func TestListed_HasTheTypeThatItsSchemaSays(t *testing.T) {
	object := schema.NestedAttributeObject{Attributes: listedAttributes()}
	if said := object.Type(); !said.Equal(listedType) {
		t.Errorf("the schema says %s; what is listed is %s", said, listedType)
	}
}
