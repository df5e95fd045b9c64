package cloudinit

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// cloudConfig is how user data begins that is YAML. What begins otherwise is a
// script, a MIME archive, a template or the like, which nothing but cloud-init
// can judge; so are its relatives #cloud-config-archive and #cloud-config-jsonp.
const cloudConfig = "#cloud-config"

// CheckUserData returns an error of user data that says it is #cloud-config and
// is no YAML mapping.
func CheckUserData(text string) error {
	first, _, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
	header, rest := first[:min(len(first), len(cloudConfig))], first[min(len(first), len(cloudConfig)):]
	if !strings.EqualFold(header, cloudConfig) || strings.HasPrefix(rest, "-") {
		return nil
	}
	return CheckMapping(text)
}

// CheckMapping returns an error unless text is a YAML mapping, or says nothing.
func CheckMapping(text string) error {
	_, err := mapping(text)
	return err
}

// completed is a YAML mapping to which these keys are added where it has none.
func completed(text string, defaults [][2]string) (string, error) {
	root, err := mapping(text)
	if err != nil {
		return "", err
	}
	for _, pair := range defaults {
		if !has(root, pair[0]) {
			root.Content = append(root.Content, scalar(pair[0], 0), scalar(pair[1], yaml.DoubleQuotedStyle))
		}
	}
	made, err := yaml.Marshal(root)
	return string(made), err
}

func has(mapping *yaml.Node, key string) bool {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return true
		}
	}
	return false
}

func scalar(text string, style yaml.Style) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: style}
}

// mapping is the mapping that a YAML text is; an empty one of a text that has
// nothing but comments.
func mapping(text string) (*yaml.Node, error) {
	documents := yaml.NewDecoder(strings.NewReader(text))
	var document, another yaml.Node
	switch err := documents.Decode(&document); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, nil
	case err != nil:
		return nil, located(err)
	}
	root := document.Content[0]
	switch err := documents.Decode(&another); {
	case err == nil:
		return nil, fmt.Errorf("line %d, column %d: it must be one YAML document", another.Line, another.Column)
	case !errors.Is(err, io.EOF):
		return nil, located(err)
	case root.Tag == "!!null":
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, nil
	case root.Kind != yaml.MappingNode:
		return nil, fmt.Errorf("line %d, column %d: it must be a YAML mapping, of keys and values", root.Line, root.Column)
	}
	return root, nil
}

// located is an error of the parser, with the place that it is about.
func located(err error) error {
	bad, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok:
		return fmt.Errorf("not valid YAML: %w", err)
	case bad.Mark.Line == 0:
		return fmt.Errorf("not valid YAML: %s", bad.Message)
	}
	return fmt.Errorf("not valid YAML: line %d, column %d: %s", bad.Mark.Line, bad.Mark.Column, bad.Message)
}
