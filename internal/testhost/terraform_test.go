package testhost

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/hc-install/releases"
)

func TestTerraform_IsTheOneInPathIfNewEnough(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	program := filepath.Join(dir, "terraform")
	writeProgram(t, program, terraformThatIs("1.9.5"))
	if path, err := Terraform(t.Context(), nil); err != nil || path != program {
		t.Errorf("got %q, %v; want %s", path, err, program)
	}
}

func TestInstallTerraform_DownloadsOnceAndSaysSo(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	source := releases.ExactVersion{ApiBaseURL: releaseServer(t), SkipChecksumVerification: true}
	var progress strings.Builder
	for range 2 {
		path, err := installTerraform(t.Context(), &progress, source)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := run(t.Context(), "", path); err != nil || !strings.Contains(out, terraformVersion) {
			t.Errorf("run it: %q, %v", out, err)
		}
	}
	if said := strings.Count(progress.String(), "downloading"); said != 1 {
		t.Errorf("said that it downloads %d times, want once: %s", said, &progress)
	}
}

func TestInstallTerraform_SaysWhatFailed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	nothing := httptest.NewServer(http.NotFoundHandler())
	defer nothing.Close()
	_, err := installTerraform(t.Context(), nil, releases.ExactVersion{ApiBaseURL: nothing.URL})
	if err == nil || !strings.Contains(err.Error(), "install Terraform "+terraformVersion) || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}

// releaseServer serves a terraform as releases.hashicorp.com does, unsigned.
func releaseServer(t *testing.T) string {
	t.Helper()
	var archive bytes.Buffer
	files := zip.NewWriter(&archive)
	file, err := files.Create("terraform")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, terraformThatIs(terraformVersion))
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/index.json") {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"name": "terraform", "version": %q, "builds": [{"name": "terraform", "version": %q,
				"os": %q, "arch": %q, "filename": "terraform.zip", "url": "http://%s/terraform.zip"}]}`,
				terraformVersion, terraformVersion, runtime.GOOS, runtime.GOARCH, r.Host)
			return
		}
		w.Header().Set("Content-Type", "application/zip")
		_, _ = w.Write(archive.Bytes()) // the client notices
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func terraformThatIs(version string) string {
	return fmt.Sprintf("#!/bin/sh\necho '{\"terraform_version\": \"%s\"}'\n", version)
}

func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
