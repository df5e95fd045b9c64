package qemu

import (
	"slices"
	"strings"
	"testing"
)

func TestCheck_OfANICRefusesWhatWouldBecomeMoreThanANIC(t *testing.T) {
	good := NIC{Key: "lan", Type: "bridge", MAC: "52:54:01:00:00:01", Bridge: "br0"}
	for name, c := range map[string]struct {
		change func(*NIC)
		fits   bool
	}{
		"a bridge":              {func(*NIC) {}, true},
		"its other port":        {func(n *NIC) { n.Port = 1 }, true},
		"a network":             {func(n *NIC) { n.Bridge, n.Network = "", "lan" }, true},
		"neither":               {func(n *NIC) { n.Bridge = "" }, false},
		"both":                  {func(n *NIC) { n.Network = "lan" }, false},
		"a third port":          {func(n *NIC) { n.Port = 2 }, false},
		"a long name":           {func(n *NIC) { n.Bridge = strings.Repeat("b", 16) }, false},
		"an option of ip":       {func(n *NIC) { n.Bridge = "-batch" }, false},
		"two words":             {func(n *NIC) { n.Bridge = "br0 up" }, false},
		"another directory":     {func(n *NIC) { n.Bridge, n.Network = "", ".." }, false},
		"a path":                {func(n *NIC) { n.Bridge, n.Network = "", "a/b" }, false},
		"restricted":            {func(n *NIC) { n.Restrict = true }, false},
		"of type user":          {func(n *NIC) { n.Type = "user" }, false},
		"of type passt":         {func(n *NIC) { n.Type = "passt" }, false},
		"passt":                 {func(n *NIC) { *n = NIC{Key: "lan", Type: "passt", MAC: n.MAC} }, true},
		"passt, restricted":     {func(n *NIC) { *n = NIC{Key: "lan", Type: "passt", MAC: n.MAC, Restrict: true} }, false},
		"of type tap":           {func(n *NIC) { n.Type = "tap" }, false},
		"another option's MAC":  {func(n *NIC) { n.MAC = "52:54:01:00:00:01,x=y" }, false},
		"user with another one": {func(n *NIC) { *n = NIC{Key: "lan", Type: "user", MAC: n.MAC, Port: 1} }, false},
	} {
		m, nic := machine(), good
		c.change(&nic)
		m.NICs = []NIC{nic}
		if err := m.Check(); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheck_RefusesTwoNICsOfPasst(t *testing.T) {
	m := machine()
	m.NICs = []NIC{{Key: "a", Type: "passt", MAC: "52:54:00:00:00:01"}, {Key: "b", Type: "passt", MAC: "52:54:00:00:00:02"}}
	if err := m.Check(); err == nil {
		t.Error("they are accepted")
	}
}

func TestPasst_ForwardsWhatItsNICHasOfEachProtocol(t *testing.T) {
	m, p := machine(), process(Boot)
	if args := m.Passt(p); args != nil {
		t.Errorf("without such a NIC: %q", args)
	}
	m.NICs[1].Type, m.NICs[1].Restrict = "passt", false
	for want, forwards := range map[string]map[string]Forward{
		"--tcp-ports none --udp-ports none":                                         nil,
		"--udp-ports 53:5353 --tcp-ports none":                                      {"dns": {"udp", "", 53, 5353}},
		"--tcp-ports 10.0.0.1/80:8080 --tcp-ports 127.0.0.1/22:22 --udp-ports none": {"a": {"tcp", "10.0.0.1", 80, 8080}, "b": {"tcp", "127.0.0.1", 22, 22}},
	} {
		p.Forwards["wan"] = forwards
		if got := strings.Join(m.Passt(p), " "); !strings.HasSuffix(got, " --no-map-gw "+want) {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

func TestTap_IsANameThatAnInterfaceCanHave(t *testing.T) {
	seen := map[string]bool{}
	for _, uid := range []string{"11111111-2222-3333-4444-555555555555", "a", strings.Repeat("x", 64)} {
		for i := range MaxNICs {
			name := Tap(uid, i)
			if len(name) > 15 || !bridgePattern.MatchString(name) || seen[name] {
				t.Errorf("%s, NIC %d: %q", uid, i, name)
			}
			seen[name] = true
		}
	}
}

func TestArgs_GiveAReceiverNoTap(t *testing.T) {
	m := machine()
	m.NICs = []NIC{{Key: "lan", Type: "bridge", MAC: "52:54:01:00:00:01", Bridge: "br0"}}
	if args := Args(m, process(Receiver)); slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "tap") }) {
		t.Errorf("%q", args)
	}
}
