package testhost

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fill has the guest take so much memory and write to each page of it.
func (c GuestClient) Fill(ctx context.Context, mib int) error {
	_, err := c.do(ctx, http.MethodPost, fmt.Sprintf("/fill?mib=%d", mib), "")
	if err != nil {
		return fmt.Errorf("have the guest write %d MiB: %w", mib, err)
	}
	return nil
}

// Dirty has the guest write at a rate to what was filled, page after page, until the
// next call, which returns the rate that it has reached; 0 ends it. MiB/s.
func (c GuestClient) Dirty(ctx context.Context, rate int) (reached float64, err error) {
	text, err := c.do(ctx, http.MethodPost, fmt.Sprintf("/dirty?mib_per_second=%d", rate), "")
	if err != nil {
		return 0, fmt.Errorf("have the guest write %d MiB/s: %w", rate, err)
	}
	return strconv.ParseFloat(strings.TrimSpace(text), 64)
}

// DiskLoad is blocks that a guest reads or writes on its first disk, past its cache,
// and what is there without a filesystem.
type DiskLoad struct {
	Op       string // "read" or "write"
	Order    string // "sequential" or "random"
	BlockKiB int
	AreaMiB  int           // from the beginning of the disk on
	For      time.Duration // or
	Blocks   int
}

// Load puts a load on the guest's disk, and returns how many MiB/s that were.
func (c GuestClient) Load(ctx context.Context, l DiskLoad) (float64, error) {
	path := fmt.Sprintf("/io?op=%s&order=%s&block_kib=%d&area_mib=%d&ms=%d&blocks=%d",
		l.Op, l.Order, l.BlockKiB, l.AreaMiB, l.For.Milliseconds(), l.Blocks)
	text, err := c.do(ctx, http.MethodPost, path, "")
	if err != nil {
		return 0, fmt.Errorf("have the guest %s its disk: %w", l.Op, err)
	}
	return strconv.ParseFloat(strings.TrimSpace(text), 64)
}
