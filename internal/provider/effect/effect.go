// Package effect knows what a change of an attribute does to an object. Each
// object has one table; the plan is made from it, and so are the words on it in
// the documentation.
package effect

import (
	"fmt"
	"slices"
	"strings"
)

// An Effect is what happens to an object when one of its attributes changes.
type Effect int

const (
	Computed Effect = iota // it cannot be changed: the provider decides it
	ByPart                 // what is inside it says
	ByChoice               // on_change, beside it, says
	Local                  // nothing happens to the object: the value is noted with it, for imports
	Live                   // the object is changed in place and goes on
	Move                   // the object is led to another state, in place
	Restart                // the object is stopped, changed and put back
	Rollback               // the object becomes what it was, in place
	Replace                // the object is deleted and another one made
)

func (e Effect) String() string {
	return [...]string{"computed", "by part", "by choice", "local", "live", "move", "restart", "rollback", "replace"}[e]
}

// Sentence says it of an object, such as "instance"; "" when there is nothing
// to say.
func (e Effect) Sentence(object string) string {
	switch e {
	case ByChoice:
		return "What changing it does to the " + object + " is said by `on_change`."
	case Local:
		return "Changing it does nothing to the " + object + " itself."
	case Live:
		return "Changing it takes effect in place, at once."
	case Move:
		return "Changing it leads the " + object + " there, in place."
	case Restart:
		return "Changing it restarts the " + object + "."
	case Rollback:
		return "Changing it takes the " + object + " back, in place: what was written since is lost."
	case Replace:
		return "Changing it replaces the " + object + "."
	}
	return ""
}

// A Table says what each attribute's change does to an object. Keys are paths:
// "kernel.command_line"; "*" stands for any key of a map, and as the last
// element for keys that come or go.
type Table struct {
	Object  string
	Effects map[string]Effect
}

// Describe ends a description with what a change does; of a map, with what a
// key that comes or goes does, too.
func (t Table) Describe(path, text string) string {
	effect, ok := t.Effects[path]
	if !ok {
		panic("effect: no effect is known of " + t.Object + " " + path)
	}
	said := text + " " + effect.Sentence(t.Object)
	if ofKeys := t.Effects[path+".*"].Sentence(t.Object); ofKeys != "" {
		said = text + " " + strings.Replace(ofKeys, "Changing it", "Adding or removing one", 1)
	}
	return strings.TrimSpace(said)
}

// Changes says in Markdown, a row an effect, which arguments have it.
func (t Table) Changes() string {
	var b strings.Builder
	b.WriteString("| a change of | does |\n|---|---|\n")
	for _, row := range []struct {
		effect Effect
		does   string
	}{
		{Local, "nothing to the " + t.Object + "; the value is noted on the host, for imports"},
		{ByChoice, "does to the " + t.Object + " what `on_change` beside it says"},
		{Live, "takes effect in place, at once"},
		{Move, "leads the " + t.Object + " to that state"},
		{Restart, "stops the " + t.Object + " if it is not, changes it, and leads it back to its `state`"},
		{Rollback, "takes the " + t.Object + " back to what it was, in place, and loses what was written since"},
		{Replace, "deletes the " + t.Object + " and makes another"},
	} {
		var names []string
		for name, effect := range t.Effects {
			if effect == row.effect && t.Effects[parent(name)] != effect {
				names = append(names, called(name))
			}
		}
		if slices.Sort(names); len(names) > 0 {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(names, ", "), row.does)
		}
	}
	return b.String()
}

func called(name string) string {
	if of, isKey := strings.CutSuffix(name, ".*"); isKey {
		return "which `" + of + "` there are"
	}
	return "`" + name + "`"
}

// parent is the path of what an attribute is in; "" at the top.
func parent(name string) string {
	at := strings.LastIndexByte(name, '.')
	return strings.TrimSuffix(name[:max(at, 0)], ".*")
}
