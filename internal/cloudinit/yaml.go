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
		return nil, &SyntaxError{another.Line, another.Column, "it must be one YAML document"}
	case !errors.Is(err, io.EOF):
		return nil, located(err)
	case root.Tag == "!!null":
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, nil
	case root.Kind != yaml.MappingNode:
		return nil, &SyntaxError{root.Line, root.Column, "it must be a YAML mapping, of keys and values"}
	}
	return root, nil
}

// A SyntaxError says where a text is not the YAML that it should be, and why. The
// reason may quote from the text, the place does not.
type SyntaxError struct {
	Line, Column int // from 1 on; 0: not known
	Reason       string
}

func (e *SyntaxError) Error() string { return e.Place() + e.Reason }

// Place is the place, with a colon; "" of one that is not known.
func (e *SyntaxError) Place() string {
	if e.Line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
}

// located is an error of the parser.
func located(err error) error {
	if bad, ok := errors.AsType[*yaml.LoadError](err); ok {
		return &SyntaxError{bad.Mark.Line, bad.Mark.Column, "it is not valid YAML: " + bad.Message}
	}
	return &SyntaxError{Reason: "it is not valid YAML: " + err.Error()}
}
