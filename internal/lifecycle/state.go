// Package lifecycle says which states an instance has and which calls lead
// from one to another. It is pure: it decides, and does nothing.
package lifecycle

// A State is what an instance is observed to be, or, for the three of
// [Desired], what it is wanted to be. It is derived from facts on the host and
// never stored there.
type State string

const (
	Absent   State = "absent"   // no such instance
	Stopped  State = "stopped"  // no process, no checkpoint
	Running  State = "running"  // a process whose guest runs
	Paused   State = "paused"   // a process whose guest was paused by somebody else
	Panicked State = "panicked" // a process whose guest's kernel has panicked, and stands still to be looked at
	Standby  State = "standby"  // a checkpoint and no process
	Unknown  State = "unknown"  // a process that does not answer: never overwritten, never taken for gone
)

// Desired lists the states that can be asked for, the default first.
func Desired() []State { return []State{Running, Standby, Stopped} }

// Observed lists the states from which calls lead on.
func Observed() []State { return []State{Absent, Stopped, Running, Paused, Panicked, Standby} }

// HasProcess reports whether an instance in s has a process that answers.
func (s State) HasProcess() bool { return s == Running || s == Paused || s == Panicked }
