package host

import "testing"

// BoundLayers makes the bound of a disk's chain n for a test.
func BoundLayers(t *testing.T, n int) {
	before := maxLayers
	maxLayers = n
	t.Cleanup(func() { maxLayers = before })
}

// AgentScript is what speaks to an agent.
var AgentScript = agentScript

// GuestExec is the line that has an agent run a command.
func GuestExec(command string) string { return guestExec(`eval "$1"`, command) }

// Reseed is the line that gives a guest random numbers.
func Reseed() string { return reseed() }
