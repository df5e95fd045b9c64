package provider

import (
	"os"
	"strings"
	"testing"
)

func TestLog_IsQuietUnlessTerraformWasToldToLog(t *testing.T) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TF_LOG") {
			t.Setenv(name, "")
		}
	}
	for _, name := range logVariables {
		t.Setenv(name, "") // to be what it was after the test
	}
	for name, quiet := range map[string]bool{"TF_LOG_PATH": true, "TF_LOG": false, "TF_LOG_PROVIDER": false, "TF_LOG_SDK_FRAMEWORK": false, "TF_LOG_CORE": false} {
		for _, variable := range logVariables {
			_ = os.Unsetenv(variable)
		}
		t.Setenv(name, "debug")
		QuietUnlessAsked()
		for _, variable := range logVariables {
			if variable != name && (os.Getenv(variable) == "OFF") != quiet {
				t.Errorf("with %s, %s is %q", name, variable, os.Getenv(variable))
			}
		}
		t.Setenv(name, "")
	}
}
