package cloudinit

import (
	"encoding/binary"
	"errors"
)

var errDamaged = errors.New("it is damaged")

// read returns the files of an image's root directory by the names that Rock
// Ridge gives them. The image may be anybody's.
func read(image []byte) (map[string]string, error) {
	if len(image) < filesAt*sector || string(image[descriptorAt*sector:][:7]) != "\x01CD001\x01" {
		return nil, errors.New("it is no ISO 9660 image")
	}
	root, ok := extent(image, image[descriptorAt*sector+156:])
	if !ok {
		return nil, errDamaged
	}
	files := map[string]string{}
	for len(root) > 0 && root[0] > 0 {
		length := int(root[0])
		if length < 34 || length > len(root) || 33+int(root[32]) > length {
			return nil, errDamaged
		}
		if name := nameOf(root[:length]); name != "" {
			content, ok := extent(image, root)
			if !ok {
				return nil, errDamaged
			}
			files[name] = string(content)
		}
		root = root[length:]
	}
	return files, nil
}

// extent is what a directory record points to.
func extent(image, record []byte) ([]byte, bool) {
	at, size := int(binary.LittleEndian.Uint32(record[2:]))*sector, int(binary.LittleEndian.Uint32(record[10:]))
	if at > len(image) || size > len(image)-at {
		return nil, false
	}
	return image[at:][:size], true
}

// nameOf is the name in a record's NM entry; "" if it has none.
func nameOf(record []byte) string {
	use := record[min((33+int(record[32])+1)&^1, len(record)):]
	for len(use) >= 5 {
		length := int(use[2])
		if length < 5 || length > len(use) {
			return ""
		}
		if string(use[:2]) == "NM" {
			return string(use[5:length])
		}
		use = use[length:]
	}
	return ""
}
