package hosts

import (
	"fmt"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
)

// An ID says where an object lives: "lab/instances/web-a".
type ID struct {
	Host string
	Kind host.Kind
	Name string
}

func (id ID) String() string { return id.Host + "/" + id.Ref().String() }

// Ref is the object on its host.
func (id ID) Ref() host.Ref { return host.Ref{Kind: id.Kind, Name: id.Name} }

// Object names the object in a sentence: "instance web-a"; without a name, all
// of its kind: "instances".
func (id ID) Object() string {
	if id.Name == "" {
		return string(id.Kind)
	}
	return strings.TrimSuffix(string(id.Kind), "s") + " " + id.Name
}

// ParseID reads an id that must be of one of the kinds.
func ParseID(text string, kinds ...host.Kind) (ID, error) {
	parts := strings.Split(text, "/")
	if len(parts) == 3 && host.NamePattern.MatchString(parts[0]) && host.NamePattern.MatchString(parts[2]) {
		for _, kind := range kinds {
			if parts[1] == string(kind) {
				return ID{Host: parts[0], Kind: kind, Name: parts[2]}, nil
			}
		}
	}
	forms := make([]string, len(kinds))
	for i, kind := range kinds {
		forms[i] = fmt.Sprintf("HOST/%s/NAME", kind)
	}
	return ID{}, fmt.Errorf("%q is not an id of the form %s", text, strings.Join(forms, " or "))
}
