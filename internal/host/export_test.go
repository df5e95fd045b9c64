package host

import (
	"testing"
	"time"
)

// BoundLayers makes the bound of a disk's chain on a host n for a test.
func BoundLayers(t *testing.T, h *Host, n int) {
	h.maxLayers = n
	t.Cleanup(func() { h.maxLayers = maxLayers })
}

// KeepListings makes a listing serve so long.
func KeepListings(t *testing.T, age time.Duration) {
	before := listingAge
	listingAge = age
	t.Cleanup(func() { listingAge = before })
}

// AgentScript is what speaks to an agent.
var AgentScript = agentScript

// GuestExec is the line that has an agent run a command.
func GuestExec(command string) string { return guestExec(`eval "$1"`, command) }

// Reseed is the line that gives a guest random numbers.
func Reseed() string { return reseed() }
