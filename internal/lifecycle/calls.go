package lifecycle

import "fmt"

// A Call is one operation of the host driver on one instance.
type Call string

const (
	Create       Call = "create"  // make the instance from its image, kernel or fork source
	Start        Call = "start"   // boot
	Awaken       Call = "awaken"  // tell the guest, by its agent, what it has slept through
	AwaitReady   Call = "ready"   // wait until the guest answers
	EnterStandby Call = "standby" // take a checkpoint and end the process
	Restore      Call = "restore" // start from the checkpoint
	Resume       Call = "resume"  // let a paused guest go on
	Stop         Call = "stop"    // shut down cleanly
)

// calls is the whole decision: what leads from what is observed to what is
// desired. A fork begins where its source left it, as standby or stopped, so it
// enters the table at that row once Create has made it.
//
// Standby to stopped restores first: a memory image that was thrown away would
// take with it what the guest had not yet written to its disk. A guest that has
// panicked has nothing left to go on with.
var calls = map[State]map[State][]Call{
	Absent: {
		Running: {Create, Start},
		Standby: {Create, Start, AwaitReady, EnterStandby},
		Stopped: {Create},
	},
	Stopped: {
		Running: {Start},
		Standby: {Start, AwaitReady, EnterStandby},
		Stopped: {},
	},
	Running: {
		Running: {},
		Standby: {EnterStandby},
		Stopped: {Stop},
	},
	Paused: {
		Running: {Resume},
		Standby: {EnterStandby},
		Stopped: {Resume, Stop},
	},
	Panicked: {
		Running: {Stop, Start},
		Standby: {Stop, Start, AwaitReady, EnterStandby},
		Stopped: {Stop},
	},
	Standby: {
		Running: {Restore},
		Standby: {},
		Stopped: {Restore, Stop},
	},
}

// Calls returns the calls that lead from observed to desired, in order; none
// when it is there already. It is an error when nothing may be done from
// observed (Unknown) or when desired cannot be asked for.
func Calls(observed, desired State) ([]Call, error) {
	row, ok := calls[observed]
	if !ok {
		return nil, fmt.Errorf("nothing can be done with an instance whose state is %s", observed)
	}
	path, ok := row[desired]
	if !ok {
		return nil, fmt.Errorf("an instance cannot be made %s", desired)
	}
	return path, nil
}

// Leads is the state in which a call, once done, leaves the instance.
func Leads(from State, call Call) State {
	switch call {
	case Create:
		return Stopped
	case Start, Restore, Resume:
		return Running
	case EnterStandby:
		return Standby
	case Stop:
		return Stopped
	default: // Awaken, AwaitReady
		return from
	}
}
