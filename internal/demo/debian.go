package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

const debianBase = "debian" // name of the example's kvm_instance.base

// debian is a Debian that cloud-init has set up, and forks of it that know who
// they are. Where root runs it, they are on a network, in a network namespace with
// the host.
type debian struct {
	link     *testhost.Link // nil without root
	forks    []string       // as in the example's variable
	machines machines       // as they were last seen
}

func newDebian(forks int) scene {
	d := &debian{machines: machines{}}
	for i := range forks {
		d.forks = append(d.forks, fmt.Sprintf("%02d", i+1))
	}
	return scene{
		example: "examples/debian",
		open:    d.open,
		acts:    []act{applyAll, d.inspectBase, d.applyForks, d.compare, planNothing, killOne, planDrift, heal, d.inspectVictim, planNothing, destroyAll, d.findNothing},
		close:   d.close,
		base:    debianBase,
		victim:  debianBase + "-" + d.forks[0],
		booted:  "it was ready",
		forked:  "its agent had been told who it is",
	}
}

func (d *debian) open(ctx context.Context, out show, s *stage) ([]string, error) {
	out.note("building the Debian guest, unless it is in the cache")
	image, err := testhost.BuildDebian(ctx)
	if err != nil {
		return nil, err
	}
	d.link, err = testhost.OpenLink(testhost.LinkOptions{})
	switch {
	case errors.Is(err, testhost.ErrNoLink):
		out.note(fmt.Sprintf("The forks will have no network, and are reached by ports of the host: %v.", err))
	case err != nil:
		return nil, err
	}
	if s.host, err = testhost.Start(ctx, testhost.Options{Link: d.link}); err != nil {
		return nil, err
	}
	publicKey, err := writeSSHConfig(s)
	if err != nil {
		return nil, err
	}
	return []string{
		"TF_VAR_image=" + image.Image,
		"TF_VAR_public_key_file=" + publicKey,
		fmt.Sprintf("TF_VAR_network=%t", d.link != nil),
		fmt.Sprintf("TF_VAR_jump=%s@%s:%d", s.host.User, s.host.Address, s.host.Port),
		"TF_VAR_packages=[]", // the image has the agent, and its host reaches no mirror
		"TF_VAR_forks=[]",
	}, nil
}

func (d *debian) close() {
	if d.link != nil {
		d.link.Close()
	}
}

// applyForks has the configuration ask for the forks, too.
func (d *debian) applyForks(ctx context.Context, out show, s *stage) error {
	forks, err := json.Marshal(d.forks)
	if err != nil {
		return err
	}
	s.Environment = append(s.Environment, "TF_VAR_forks="+string(forks))
	return applyAll(ctx, out, s)
}

// findNothing looks for what the host's data directory does not show.
func (d *debian) findNothing(ctx context.Context, out show, _ *stage) error {
	if d.link == nil {
		return nil
	}
	for _, command := range []string{"ip -o link show type bridge", "ip -o link show type tun", "nft list ruleset"} {
		argv := d.link.Within(strings.Fields(command)...)
		said, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", command, err, said)
		}
		// The link itself is the one TUN device.
		if lines := strings.Count(string(said), "\n"); lines > strings.Count(command, " tun") {
			return fmt.Errorf("%s still finds on the host: %s", command, said)
		}
	}
	out.text("No bridge, no tap and no rule is left in its network, either.\n")
	return nil
}
