//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"
)

// diskLoad reads or writes blocks of the first disk, past the guest's own cache,
// and answers with how many MiB/s that were. Parameters: op (read or write), order
// (sequential or random), block_kib, area_mib, and how long: either ms or blocks.
func diskLoad(r *http.Request) (string, error) {
	query := r.URL.Query()
	block, area := int64(number(r, "block_kib"))<<10, int64(number(r, "area_mib"))<<20
	ms, most := number(r, "ms"), number(r, "blocks")
	if block < 4096 || area < block || ms == 0 && most == 0 {
		return "", fmt.Errorf("this needs block_kib, area_mib, and ms or blocks")
	}
	fd, err := syscall.Open(diskDevice, syscall.O_RDWR|syscall.O_DIRECT|syscall.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", diskDevice, err)
	}
	defer syscall.Close(fd)
	// What is mapped is aligned, as O_DIRECT needs it.
	buffer, err := syscall.Mmap(-1, 0, int(block), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANONYMOUS)
	if err != nil {
		return "", err
	}
	defer func() { _ = syscall.Munmap(buffer) }() // nothing else is in it
	transfer := syscall.Pread
	if query.Get("op") == "write" {
		transfer = syscall.Pwrite
		for i := range buffer {
			buffer[i] = byte(i*i>>8) | 1
		}
	}
	begun, done := time.Now(), 0
	for last := time.Duration(ms) * time.Millisecond; (most == 0 || done < most) && (ms == 0 || time.Since(begun) < last); done++ {
		at := int64(done) % (area / block)
		if query.Get("order") == "random" {
			at = rand.Int64N(area / block)
		}
		if n, err := transfer(fd, buffer, at*block); err != nil || n != len(buffer) {
			return "", fmt.Errorf("%s %d bytes at %d: %d, %w", query.Get("op"), block, at*block, n, err)
		}
	}
	if query.Get("op") == "write" {
		if err := syscall.Fdatasync(fd); err != nil {
			return "", fmt.Errorf("flush the disk: %w", err)
		}
	}
	return fmt.Sprintf("%.3f", float64(done)*float64(block)/(1<<20)/time.Since(begun).Seconds()), nil
}
