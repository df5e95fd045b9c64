package host

import "testing"

// BoundLayers makes the bound of a disk's chain n for a test.
func BoundLayers(t *testing.T, n int) {
	before := maxLayers
	maxLayers = n
	t.Cleanup(func() { maxLayers = before })
}
