package acceptance_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/cloudinit"
)

// TestSecrets_AreNowhereButInTheState runs Terraform with a secret in every place
// that can have one, and looks for them in all that is written on the way. They
// come as sensitive variables: what Terraform itself prints of a configuration no
// provider can prevent.
func TestSecrets_AreNowhereButInTheState(t *testing.T) {
	t.Parallel()
	content, _ := contentOf(t, shared.guest.Disk)
	password, token, unused := "pw"+rand.Text(), "tk"+rand.Text(), "no"+rand.Text()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, given, _ := r.BasicAuth(); {
		case r.URL.Path == "/disk.qcow2" && given == password && r.URL.Query().Get("token") == token:
			_, _ = w.Write(append(content[:len(content):len(content)], password[:2]...)) // of its own
		default:
			http.Error(w, "no: "+r.URL.RawQuery, http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	source := func(path, token string) string {
		return strings.Replace(server.URL, "://", "://reader:"+password+"@", 1) + path + "?token=" + token
	}
	key, err := os.ReadFile(shared.PrivateKeyFile)
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(key)), "\n")
	canary := "ca" + rand.Text()
	secrets := []string{password, token, unused, canary, encoded(t, canary), lines[len(lines)-2], lines[len(lines)-3]} // the first line is the same in every key

	provider := "variable \"private_key\" { sensitive = true }\nvariable \"from\" { sensitive = true }\nvariable \"broken\" { sensitive = true }\nvariable \"seed\" {\n  sensitive = true\n  ephemeral = true\n}\n" +
		strings.Replace(shared.provider(map[string]string{"private_key": "var.private_key"}), "private_key_file", "# private_key_file", 1)
	disk := `resource "kvm_image" "secret" {
		name   = "secret"
		source = var.from
	}
	`
	seeded := `resource "kvm_instance" "seeded" {
		name       = "secret-seeded"
		kernel     = { image = "default/images/vmlinuz" }
		state      = "stopped"
		cloud_init = { user_data_wo = var.seed, user_data_wo_version = 1 }
	}
	`
	disk += seeded
	w := newWorkspace(t, provider+disk+fork("secret-fork"))
	log := filepath.Join(w.dir, "log")
	w.env = []string{"TF_VAR_private_key=" + string(key), "TF_VAR_from=" + source("/disk.qcow2", token), "TF_VAR_seed=" + canary, "TF_VAR_broken=" + source("/missing", unused),
		"TF_LOG_PROVIDER=TRACE", "TF_LOG_PATH=" + log}
	arguments := watchArguments(t, secrets)
	said := map[string]string{}
	run := func(status int, args ...string) string {
		out := w.want(status, args...)
		said["the output of terraform "+strings.Join(args, " ")] += out
		return out
	}
	run(0, "apply", "-auto-approve")
	run(0, "plan", "-detailed-exitcode")
	w.write(strings.Replace(provider+disk+fork("secret-fork"), "user_data_wo_version = 1", "user_data_wo_version = 2", 1))
	run(0, "apply", "-auto-approve")
	w.write(provider + disk + fork("secret-fork"))
	run(0, "apply", "-auto-approve")
	state, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	must(t, err)

	w.write(provider + disk + fork("secret-fork") + "resource \"kvm_image\" \"broken\" {\n  name = \"secret-broken\"\n  source = var.broken\n}\n")
	if out := run(1, "apply", "-auto-approve"); !says(server.URL[len("http://"):]+"/missing?redacted", "answered 403 Forbidden").MatchString(out) {
		t.Errorf("a download that fails is reported as:\n%s", out)
	}
	w.write(strings.Replace(provider, "var.private_key", "var.broken", 1) + disk)
	if out := run(1, "plan"); !strings.Contains(out, "It must be a private key as PEM text") {
		t.Errorf("a key that is none is reported as:\n%s", out)
	}
	w.write(provider + disk + fork("secret-fork"))

	// The host does not know the secrets: after an import the plan notes them in
	// the state, and does no more.
	run(0, "state", "rm", "kvm_image.secret")
	run(0, "import", "kvm_image.secret", "default/images/secret")
	if out := run(2, "plan", "-detailed-exitcode"); !strings.Contains(out, "0 to add, 1 to change, 0 to destroy") {
		t.Errorf("after an import the plan is:\n%s", out)
	}
	run(0, "apply", "-auto-approve")
	run(0, "plan", "-detailed-exitcode")

	logged, err := os.ReadFile(log)
	must(t, err)
	if traces := strings.Count(string(logged), "[TRACE]"); traces < 100 {
		t.Errorf("the log has %d lines of level TRACE: it proves nothing", traces)
	}
	said["the log"], said["sshd's log"] = string(logged), string(mustRead(t, shared.SSHDLog))
	must(t, filepath.WalkDir(shared.DataDir, func(path string, entry fs.DirEntry, err error) error {
		small := false
		if err == nil && entry.Type().IsRegular() {
			info, err := entry.Info()
			small = err == nil && info.Size() < 1<<20
		}
		if filepath.Base(path) == "seed.iso" && small && strings.Contains(path, "/secret-seeded/") {
			if info, _ := entry.Info(); info.Mode() != 0o600 || !strings.Contains(string(mustRead(t, path)), canary) {
				t.Errorf("%s is of mode %s, or has no secret", path, info.Mode())
			}
			return nil
		}
		if small && strings.Contains(path, "/secret") { // others come and go
			said[path] = string(mustRead(t, path))
		}
		return nil
	}))
	if image := said[filepath.Join(shared.DataDir, "images/secret/image.json")]; !strings.Contains(image, server.URL+"/disk.qcow2?redacted") {
		t.Errorf("the host notes of the image: %s", image)
	}
	for place, text := range said {
		for _, secret := range secrets {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s has a secret: …%s…", place, text[max(0, at-100):min(len(text), at+100)])
			}
		}
	}
	for secret, times := range map[string]int{password: 1, token: 1, canary: 0, lines[len(lines)-2]: 0} {
		if n := strings.Count(string(state), secret); n != times {
			t.Errorf("the state has %s %d times; want %d, as source", secret, n, times)
		}
	}
	if n := arguments(); n < 100 {
		t.Errorf("the arguments of processes were looked at %d times only", n)
	}
}

// encoded is how a script has user data, which is in the seed of secret-seeded.
func encoded(t *testing.T, userData string) string {
	t.Helper()
	version := int64(1)
	seed, err := cloudinit.Config{Hostname: "secret-seeded", UserData: userData, Version: &version}.Make()
	must(t, err)
	at := (bytes.Index(seed.Image, []byte(userData)) + 2) / 3 * 3
	return base64.StdEncoding.EncodeToString(seed.Image[at : at+18])
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) { // of an instance that works
		return nil
	}
	must(t, err)
	return content
}

// watchArguments looks for secrets in the arguments of every process, all the time
// until the result is called, which tells of how many processes.
func watchArguments(t *testing.T, secrets []string) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	looked, found := 0, map[string]bool{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
			for _, file := range files {
				text, _ := os.ReadFile(file) // it may have ended
				looked++
				if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(string(text), secret) }) {
					found[strings.ReplaceAll(string(text), "\x00", " ")] = true
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		<-done
		for command := range found {
			t.Errorf("a process has a secret among its arguments: %s", command)
		}
		return looked
	})
	t.Cleanup(func() { stop() })
	return stop
}
