package testhost

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// A plain user owns nothing but the test host, and is in no group but her own
// and kvm. No account is made for her: she is in a passwd that only the sshd which
// runs as her sees, in a mount namespace of its own. An sshd that root does not
// run lets in nobody but who runs it, and needs no rights for that.
const (
	plainName = "kvm-plain"
	plainID   = 64321 // of user and group; above those that distributions give out
)

// NoPlainUser says why there can be no [Options.PlainUser] here; "" if there can.
func NoPlainUser() string {
	if os.Geteuid() != 0 {
		return "" // who runs the test is one
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		return fmt.Sprintf("mount namespaces cannot be made: %v: %s", err, out)
	}
	for dir := os.TempDir(); dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode()&0o001 == 0 {
			return "a plain user may not enter " + dir
		}
	}
	return ""
}

// makePlainUser hands the host to a plain user, and has sshd run as her.
func (h *Host) makePlainUser(opts *Options) error {
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return fmt.Errorf("read who there is: %w", err)
	}
	file := filepath.Join(h.dir, "passwd")
	passwd = fmt.Appendf(passwd, "%s:x:%d:%d::%s:/bin/sh\n", plainName, plainID, plainID, h.dir)
	if err := os.WriteFile(file, passwd, 0o644); err != nil {
		return fmt.Errorf("write who there is: %w", err)
	}
	groups := "--clear-groups"
	if kvm, err := user.LookupGroup("kvm"); err == nil {
		groups = "--groups=" + kvm.Gid
	}
	id := strconv.Itoa(plainID)
	h.User = plainName
	mounts := map[string]string{"/etc/passwd": file}
	maps.Copy(mounts, opts.Mounts)
	opts.Mounts = mounts
	// A process that becomes another user forgets with whom it was to end.
	h.sshd.within = []string{"setpriv", "--reuid=" + id, "--regid=" + id, groups, "--pdeathsig=KILL"}
	if len(opts.Capabilities) > 0 {
		all := "+" + strings.Join(opts.Capabilities, ",+")
		h.sshd.within = append(h.sshd.within, "--inh-caps="+all, "--ambient-caps="+all)
	}
	return h.giveToPlainUser()
}

// giveToPlainUser gives her all files that there are of the host, if it is hers.
func (h *Host) giveToPlainUser() error {
	if h.User != plainName {
		return nil
	}
	return filepath.WalkDir(h.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(path, h.DataDir+"/") {
			return err
		}
		return os.Chown(path, plainID, plainID)
	})
}
