package host

import (
	"testing"
	"time"
)

// BoundLayers makes the bound of a disk's chain n for a test, and for those that run
// beside it.
func BoundLayers(t *testing.T, n int) {
	before := maxLayers
	maxLayers = n
	t.Cleanup(func() { maxLayers = before })
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
