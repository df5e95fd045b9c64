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

// DetectFormat returns "qcow2" or "raw" from an image's first bytes, of which it
// wants HeaderSize or all. An image that reaches beyond itself is refused.
// The layout is that of QEMU's docs/interop/qcow2.txt.
func DetectFormat(header []byte) (string, error) {
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
	case version == 2:
		return "qcow2", nil
	case len(header) < HeaderSize:
		return "", errors.New("the image is a qcow2 that ends within its header")
	}
	const (
		dirty, corrupt, dataFile, compression, extendedL2 = 1, 2, 4, 8, 16
	)
	switch features := binary.BigEndian.Uint64(header[72:]); {
	case features&dataFile != 0:
		return "", ErrDataFile
	case features&corrupt != 0:
		return "", errors.New("the image is marked corrupt; repair it first: qemu-img check -r all")
	case features&^(dirty|compression|extendedL2) != 0:
		return "", fmt.Errorf("the image has incompatible features that are not known (%#x)", features)
	}
	return "qcow2", nil
}
