package provider

import (
	"os"
	"strings"
)

// logVariables set the levels of what terraform-plugin-go and the plugin framework
// log, as a whole and of their parts, and of what this provider does.
var logVariables = []string{"TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER"}

// QuietUnlessAsked has nothing logged where Terraform was not told to log. Without
// that the framework writes a line for each attribute that it looks at, whatever
// the level, for Terraform to read and drop: a third of the time that a plan of a
// thousand instances takes.
func QuietUnlessAsked() {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "TF_LOG") && name != "TF_LOG_PATH" && value != "" {
			return
		}
	}
	for _, name := range logVariables {
		_ = os.Setenv(name, "OFF") // fails only for impossible names
	}
}
