package testhost

import (
	"strings"
	"testing"
)

func TestDebianRelease_IsThatOfTheMachinesMirror(t *testing.T) {
	const (
		release  = "Debian bookworm http://mirror/debian/ stable main\n"
		updates  = "Debian bookworm-updates http://mirror/debian/ stable-updates main\n"
		security = "Debian bookworm-security http://mirror/security/ stable-security main\n"
	)
	const (
		releaseSource  = "deb [signed-by=" + debianKeyring + "] http://mirror/debian/ stable main"
		updatesSource  = "deb [signed-by=" + debianKeyring + "] http://mirror/debian/ stable-updates main"
		securitySource = "deb [signed-by=" + debianKeyring + "] http://mirror/security/ stable-security main"
	)
	for name, c := range map[string]struct {
		targets  string
		codename string
		sources  []string
	}{
		"a release and what follows it": {updates + release + security, "bookworm", []string{updatesSource, releaseSource, securitySource}},
		"two architectures":             {release + release, "bookworm", []string{releaseSource}},
		"others' packages":              {"$(ORIGIN) $(CODENAME) https://deb.nodesource.com/node_20.x/ nodistro main\nUbuntu noble http://u/ noble main\n" + release, "bookworm", []string{releaseSource}},
		"backports":                     {release + "Debian bookworm-backports http://mirror/debian/ stable-backports main\n", "bookworm", []string{releaseSource}},
		"updates of no release":         {security, "", nil},
		"no lists":                      {"$(ORIGIN) $(CODENAME) http://mirror/debian/ bookworm main\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := parseDebianRelease(c.targets)
			if got.codename != c.codename || strings.Join(got.sources, "\n") != strings.Join(c.sources, "\n") {
				t.Errorf("got %+v", got)
			}
		})
	}
}
