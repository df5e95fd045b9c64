package qemu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderSize is how many bytes of an image [DetectFormat] looks at: a qcow2
// header, version 3, without extensions.
const HeaderSize = 104

// What an image must not have: it could name a file of the host, or not be read.
var (
	ErrBackingFile = errors.New("the image names a backing file, which could be any file of the host; flatten it first: qemu-img convert -O qcow2")
	ErrDataFile    = errors.New("the image names an external data file, which could be any file of the host; convert it first: qemu-img convert -O qcow2")
	ErrEncrypted   = errors.New("the image is encrypted, which is not supported")
)

// MaxVirtualSize is the largest disk, in bytes, of which an instance can be made
// (2 PiB): its layers have clusters of 64 KiB and an L1 table of at most 32 MiB.
const MaxVirtualSize = 1 << 51

// DetectFormat returns "qcow2" or "raw" from an image's first bytes, of which it
// wants HeaderSize or all, and its size, -1 where that is not known. An image that
// reaches beyond itself is refused. The layout is that of QEMU's
// docs/interop/qcow2.txt.
func DetectFormat(header []byte, size int64) (string, error) {
	if !bytes.HasPrefix(header, []byte("QFI\xfb")) {
		return "raw", nil
	}
	if len(header) < 72 {
		return "", errors.New("the image is a qcow2 that ends within its header")
	}
	version := binary.BigEndian.Uint32(header[4:])
	switch {
	case version != 2 && version != 3:
		return "", fmt.Errorf("the image is a qcow2 of version %d, and only 2 and 3 are known", version)
	case binary.BigEndian.Uint64(header[8:]) != 0:
		return "", ErrBackingFile
	case binary.BigEndian.Uint32(header[32:]) != 0:
		return "", ErrEncrypted
	case version == 3 && len(header) < HeaderSize:
		return "", errors.New("the image is a qcow2 that ends within its header")
	}
	if version == 3 {
		if err := checkFeatures(binary.BigEndian.Uint64(header[72:])); err != nil {
			return "", err
		}
	}
	return "qcow2", checkExtent(header, version, size)
}

func checkFeatures(features uint64) error {
	const (
		dirty, corrupt, dataFile, compression, extendedL2 = 1, 2, 4, 8, 16
	)
	switch {
	case features&dataFile != 0:
		return ErrDataFile
	case features&corrupt != 0:
		return errors.New("the image is marked corrupt; repair it first: qemu-img check -r all")
	case features&^(dirty|compression|extendedL2) != 0:
		return fmt.Errorf("the image has incompatible features that are not known (%#x); convert it first: qemu-img convert -O qcow2", features)
	}
	return nil
}

// checkExtent refuses sizes that QEMU does not take, and tables that are not in
// the file. A file may end within its last cluster.
func checkExtent(header []byte, version uint32, size int64) error {
	word := func(at int) uint64 { return uint64(binary.BigEndian.Uint32(header[at:])) }
	bits := word(20)
	switch virtual := binary.BigEndian.Uint64(header[24:]); {
	case bits < 9 || bits > 21:
		return fmt.Errorf("the image has clusters of 2^%d bytes, and 2^9 to 2^21 are possible", bits)
	case virtual > MaxVirtualSize:
		return fmt.Errorf("the image has a virtual size of %d bytes, and the largest disk is %d bytes (2 PiB)", virtual, int64(MaxVirtualSize))
	case version == 3 && word(96) > 6:
		return fmt.Errorf("the image has reference counts of 2^%d bits, and at most 2^6 are possible", word(96))
	case version == 3 && (word(100) < HeaderSize || word(100) > 1<<bits):
		return fmt.Errorf("the image has a header of %d bytes, and %d to its cluster size are possible", word(100), HeaderSize)
	case size < 0:
		return nil
	}
	for _, table := range []struct {
		name      string
		at        int // where the header says where it is
		leastSize uint64
	}{
		{"L1 table", 40, word(36) * 8},
		{"refcount table", 48, word(56) << bits},
		{"snapshot table", 64, word(60) * 40},
	} {
		end := uint64(size) + 1<<bits - 1
		if begin := binary.BigEndian.Uint64(header[table.at:]); table.leastSize > 0 && (begin > end || table.leastSize > end-begin) {
			return fmt.Errorf("the image has %d bytes and ends before its %s does; it was cut short or is damaged: get it anew", size, table.name)
		}
	}
	return nil
}
