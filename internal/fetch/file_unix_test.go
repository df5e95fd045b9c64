//go:build unix

package fetch

import (
	"context"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFile_FIFOIsRefusedWithoutWaitingForAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), path)
	if err == nil || !strings.Contains(err.Error(), "is a FIFO") {
		t.Errorf("Open: %v", err)
	}
}
