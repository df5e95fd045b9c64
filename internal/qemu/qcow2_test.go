package qemu

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// header is a sound qcow2 header of a version, changed by change.
func header(version uint32, change func([]byte)) []byte {
	h := make([]byte, HeaderSize)
	copy(h, "QFI\xfb")
	binary.BigEndian.PutUint32(h[4:], version)
	binary.BigEndian.PutUint32(h[20:], 16)
	binary.BigEndian.PutUint32(h[96:], 4)
	binary.BigEndian.PutUint32(h[100:], HeaderSize)
	change(h)
	return h
}

func TestDetectFormat_AcceptsWhatIsSelfContained(t *testing.T) {
	for name, c := range map[string]struct {
		header []byte
		want   string
	}{
		"version 2":     {header(2, func([]byte) {})[:72], "qcow2"},
		"version 3":     {header(3, func([]byte) {}), "qcow2"},
		"zstd":          {header(3, func(h []byte) { h[79] = 8 }), "qcow2"},
		"a kernel":      {[]byte("MZ..."), "raw"},
		"nothing":       {nil, "raw"},
		"magic too low": {append(make([]byte, 4), "QFI\xfb"...), "raw"},
	} {
		if got, err := DetectFormat(c.header, -1); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestDetectFormat_RefusesWhatReachesBeyondItself(t *testing.T) {
	for name, c := range map[string]struct {
		header []byte
		want   error // nil: any
	}{
		"backing file":     {header(3, func(h []byte) { h[15] = 1 }), ErrBackingFile},
		"backing file, v2": {header(2, func(h []byte) { h[8] = 1 }), ErrBackingFile},
		"encrypted":        {header(3, func(h []byte) { h[35] = 2 }), ErrEncrypted},
		"data file":        {header(3, func(h []byte) { h[79] = 4 }), ErrDataFile},
		"corrupt":          {header(3, func(h []byte) { h[79] = 2 }), nil},
		"unknown feature":  {header(3, func(h []byte) { h[72] = 0x80 }), nil},
		"unknown version":  {header(4, func([]byte) {}), nil},
		"cut short":        {header(3, func([]byte) {})[:103], nil},
		"cut short, v2":    {header(2, func([]byte) {})[:71], nil},
		"cut at the magic": {[]byte("QFI\xfb"), nil},
	} {
		if got, err := DetectFormat(c.header, -1); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v; want %v", name, got, err, c.want)
		}
	}
}

// TestDetectFormat_KnowsWhereAnImageMustNotEnd has a file of 1 MiB, with clusters
// of 64 KiB.
func TestDetectFormat_KnowsWhereAnImageMustNotEnd(t *testing.T) {
	const size = 1 << 20
	put32, put64 := binary.BigEndian.PutUint32, binary.BigEndian.PutUint64
	for name, c := range map[string]struct {
		change func([]byte)
		want   string // of the error; "": none
	}{
		"all in its place":       {func(h []byte) { put32(h[36:], 2); put64(h[40:], 3<<16); put32(h[56:], 1); put64(h[48:], 1<<16) }, ""},
		"ends in a cluster":      {func(h []byte) { put32(h[56:], 1); put64(h[48:], size-1) }, ""},
		"no snapshots, anywhere": {func(h []byte) { put64(h[64:], 1<<60) }, ""},
		"most virtual size":      {func(h []byte) { put64(h[24:], MaxVirtualSize) }, ""},

		"L1 table behind the end":    {func(h []byte) { put32(h[36:], 1); put64(h[40:], size+1<<16) }, "L1 table"},
		"L1 table across the end":    {func(h []byte) { put32(h[36:], 1<<17); put64(h[40:], 3<<16) }, "L1 table"},
		"L1 table at the last byte":  {func(h []byte) { put32(h[36:], 1); put64(h[40:], 1<<64-1) }, "L1 table"},
		"refcounts behind the end":   {func(h []byte) { put32(h[56:], 2); put64(h[48:], size-1<<16) }, "refcount table"},
		"most refcounts":             {func(h []byte) { put32(h[56:], 1<<32-1) }, "refcount table"},
		"snapshots behind the end":   {func(h []byte) { put32(h[60:], 65535); put64(h[64:], 3<<16) }, "snapshot table"},
		"clusters of a byte":         {func(h []byte) { put32(h[20:], 0) }, "clusters of 2^0"},
		"clusters of more":           {func(h []byte) { put32(h[20:], 1<<32-1) }, "clusters of 2^4294967295"},
		"virtual size":               {func(h []byte) { put64(h[24:], MaxVirtualSize+1) }, "virtual size"},
		"most virtual size there is": {func(h []byte) { put64(h[24:], 1<<64-1) }, "virtual size"},
		"wide reference counts":      {func(h []byte) { put32(h[96:], 7) }, "reference counts"},
		"short header":               {func(h []byte) { put32(h[100:], 96) }, "header of 96"},
		"long header":                {func(h []byte) { put32(h[100:], 1<<16+8) }, "header of 65544"},
	} {
		_, err := DetectFormat(header(3, c.change), size)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}

// FuzzDetectFormat reads anything as an image: what passes for qcow2 names no
// other file, by an own look at the header's fields.
func FuzzDetectFormat(f *testing.F) {
	f.Add(header(3, func([]byte) {}))
	f.Add(header(2, func([]byte) {})[:72])
	f.Add(header(3, func(h []byte) { h[15], h[19] = 1, 9 }))
	f.Add(header(3, func(h []byte) { h[79] = 4 }))
	f.Add(header(2, func(h []byte) { h[79] = 4 }))
	f.Add([]byte("QFI\xfb"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, image []byte) {
		format, err := DetectFormat(image, int64(len(image)))
		if isQcow2 := len(image) > 3 && string(image[:4]) == "QFI\xfb"; err == nil && format != map[bool]string{true: "qcow2", false: "raw"}[isQcow2] {
			t.Errorf("format %q", format)
		}
		if err != nil || format == "raw" {
			return
		}
		zero := func(from, to int) bool {
			return !slices.ContainsFunc(image[from:to], func(b byte) bool { return b != 0 })
		}
		if !zero(8, 16) || !zero(32, 36) || binary.BigEndian.Uint32(image[4:]) > 2 && image[79]&4 != 0 {
			t.Errorf("accepted was % x", image[:min(len(image), HeaderSize)])
		}
	})
}
