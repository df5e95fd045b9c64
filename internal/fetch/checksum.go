package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ParseChecksum takes a checksum as users write it, "sha256:" and 64
// hexadecimal digits in either case, and returns the digits in lower case, as
// Stream.SHA256 gives them. SHA-256 is the only algorithm.
func ParseChecksum(checksum string) (string, error) {
	algorithm, digits, found := strings.Cut(checksum, ":")
	switch {
	case !found:
		return "", errors.New(`checksum names no algorithm: write "sha256:" and 64 hexadecimal digits`)
	case !strings.EqualFold(algorithm, "sha256"):
		return "", fmt.Errorf("checksum algorithm %q is not supported: use sha256", algorithm)
	case len(digits) != hex.EncodedLen(sha256.Size):
		return "", fmt.Errorf("sha256 checksum has %d characters after the colon instead of %d", len(digits), hex.EncodedLen(sha256.Size))
	}
	sum, err := hex.DecodeString(digits)
	if err != nil {
		return "", errors.New("sha256 checksum has other characters than hexadecimal digits after the colon")
	}
	return hex.EncodeToString(sum), nil
}
