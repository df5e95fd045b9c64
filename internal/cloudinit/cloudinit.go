// Package cloudinit makes the NoCloud seed of an instance: a small ISO 9660
// image labelled cidata, in which cloud-init finds user-data, meta-data and
// network-config. It is pure: equal input gives the same bytes, with no clock and
// nothing random in them.
//
// https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html
package cloudinit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Size is that of every seed, in bytes, whatever is in it: a guest's machine does
// not change with its seed, and a checkpoint can be loaded with another one.
const Size = 512 << 10

// MaxBytes is how much user data, metadata and network configuration may have
// together. It is what Google's cloud allows, and sixteen times Amazon's limit.
const MaxBytes = 256 << 10

// A Config is what a seed is made from, as it was written.
type Config struct {
	Hostname      string // local-hostname, where MetaData has none
	UserData      string
	MetaData      string // a YAML mapping, or ""
	NetworkConfig string // a YAML mapping; "": the guest chooses

	// Version stands for UserData in the digest where that is a secret, of which
	// nothing that is written down may be made; nil where it is none.
	Version *int64
}

// A Seed is a seed as it is put on a host.
type Seed struct {
	Digest string // of what it was made from, SHA-256 in hexadecimal
	Image  []byte // Size bytes
}

// Make returns the seed of a configuration; an error of what YAML it has names
// line and column.
func (c Config) Make() (Seed, error) {
	if err := c.Check(); err != nil {
		return Seed{}, err
	}
	digest := c.Digest()
	meta, err := completed(c.MetaData, [][2]string{{"instance-id", "kvm-" + digest[:16]}, {"local-hostname", c.Hostname}})
	if err != nil {
		return Seed{}, fmt.Errorf("meta_data: %w", err)
	}
	files := []file{{"meta-data", meta}, {"user-data", c.UserData}}
	if c.NetworkConfig != "" {
		files = []file{files[0], {"network-config", c.NetworkConfig}, files[1]}
	}
	made, err := image(files)
	return Seed{digest, made}, err
}

// Digest tells configurations apart. The instance-id is made of it, so that
// cloud-init takes the guest for a new instance when, and only when, one of them
// has changed.
func (c Config) Digest() string {
	sum := sha256.New()
	userData := c.UserData
	if c.Version != nil {
		userData = fmt.Sprintf("version %d", *c.Version)
	}
	fmt.Fprintf(sum, "1 %t ", c.Version != nil)
	for _, text := range []string{c.Hostname, userData, c.MetaData, c.NetworkConfig} {
		fmt.Fprintf(sum, "%d:%s ", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Check returns an error of what cloud-init could not read, or is too much.
func (c Config) Check() error {
	for _, part := range []struct {
		name string
		err  error
	}{
		{"user data", CheckUserData(c.UserData)}, {"meta_data", CheckMapping(c.MetaData)}, {"network_config", CheckMapping(c.NetworkConfig)},
	} {
		if part.err != nil {
			return fmt.Errorf("%s: %w", part.name, part.err)
		}
	}
	if n := len(c.UserData) + len(c.MetaData) + len(c.NetworkConfig); n > MaxBytes {
		return fmt.Errorf("user data, meta_data and network_config have %d KiB together, and %d KiB is the most: have the guest fetch what is large (#include)", (n+1023)>>10, MaxBytes>>10)
	}
	return nil
}

// Read returns the user data and the network configuration of a seed, as they
// were written.
func Read(image []byte) (userData, networkConfig string, err error) {
	files, err := read(image)
	if err != nil {
		return "", "", fmt.Errorf("not a cloud-init seed: %w", err)
	}
	return files["user-data"], files["network-config"], nil
}
