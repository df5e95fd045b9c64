package testhost

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestCached_BuildsOnceForAllWhoAskAtOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var builds atomic.Int32
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			dir, err := Cached(t.Context(), "thing", func(dir string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
			})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if builds.Load() != 1 {
		t.Errorf("built %d times", builds.Load())
	}
}

func TestCached_KeepsNothingOfABuildThatFailed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	failure := errors.New("no")
	if _, err := Cached(t.Context(), "thing", func(string) error { return failure }); !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}
	if _, err := Cached(t.Context(), "thing", func(string) error { return nil }); err != nil {
		t.Errorf("the next build: %v", err)
	}
}
