// Command guides writes into the guide of the lifecycle what the code decides: the
// calls between states, and what a change of each argument does. Comments in the
// page mark the places.
package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/lifecycle"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/instance"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: guides PAGE")
	}
	if err := update(os.Args[1]); err != nil {
		log.Fatal("Unable to write the lifecycle: ", err)
	}
}

func update(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	page := string(content)
	for place, text := range map[string]string{
		"diagram": "```mermaid\n" + lifecycle.Diagram() + "```\n",
		"table":   lifecycle.Table(),
		"changes": instance.Effects.Changes(),
	} {
		if page, err = fill(page, place, text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.WriteFile(name, []byte(page), 0o644)
}

// fill replaces what stands between the comments that begin and end a place.
func fill(page, place, text string) (string, error) {
	begin := fmt.Sprintf("<!-- begin generated %s -->\n", place)
	end := fmt.Sprintf("<!-- end generated %s -->\n", place)
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("it lacks %q, or %q after it", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + text + "\n" + end + after, nil
}
