package qemu

import (
	"testing"
	"time"
)

func TestPause_IsTheLongestTimeFromStopToResume(t *testing.T) {
	messages := Messages(`{"return": {}, "id": "migrate"}
{"timestamp": {"seconds": 100, "microseconds": 500000}, "event": "STOP"}
no message
{"timestamp": {"seconds": 100, "microseconds": 537000}, "event": "RESUME"}
{"timestamp": {"seconds": 200, "microseconds": 0}, "event": "STOP"}
{"timestamp": {"seconds": 200, "microseconds": 5000}, "event": "RESUME"}
{"timestamp": {"seconds": 300, "microseconds": 0}, "event": "STOP"}
{"timestamp": {"seconds": 30`)
	if len(messages) != 6 {
		t.Fatalf("%d messages", len(messages))
	}
	if pause := Pause(messages); pause != 37*time.Millisecond {
		t.Errorf("pause %s; want 37ms", pause)
	}
}

func TestCommands_AreOneLineOfJSONWithTheirNameAsID(t *testing.T) {
	layers := []Layer{{"00000000000000aa.qcow2", "qcow2"}, {"00000000000000bb.qcow2", "qcow2"}}
	stacks := Machine{Disk: &Disk{1 << 30, layers}, Disks: []DataDisk{
		{Key: "data", Volume: "volume"}, {Key: "scratch", Target: 5, Disk: Disk{1 << 20, layers}},
	}}.Stacks()
	for got, want := range map[string]string{
		stacks[0].Add():   `{"execute":"blockdev-add","arguments":{"backing":null,"discard":"unmap","driver":"qcow2","file":{"discard":"unmap","driver":"file","filename":"disk/00000000000000aa.qcow2"},"node-name":"layer-00000000000000aa"},"id":"blockdev-add"}`,
		Switch(stacks...): `{"execute":"transaction","arguments":{"actions":[{"data":{"node":"layer-00000000000000bb","overlay":"layer-00000000000000aa"},"type":"blockdev-snapshot"},{"data":{"node":"disk5-00000000000000bb","overlay":"disk5-00000000000000aa"},"type":"blockdev-snapshot"}]},"id":"transaction"}`,
		stacks[0].Drop():  `{"execute":"blockdev-del","arguments":{"node-name":"layer-00000000000000aa"},"id":"blockdev-del"}`,
		stacks[0].Grow():  `{"execute":"block_resize","arguments":{"node-name":"layer-00000000000000aa","size":1073741824},"id":"block_resize"}`,
		AddForward(1, Forward{"tcp", "127.0.0.1", 2201, 22}):    `{"execute":"human-monitor-command","arguments":{"command-line":"hostfwd_add net1 tcp:127.0.0.1:2201-:22"},"id":"human-monitor-command"}`,
		RemoveForward(1, Forward{"tcp", "127.0.0.1", 2201, 22}): `{"execute":"human-monitor-command","arguments":{"command-line":"hostfwd_remove net1 tcp:127.0.0.1:2201"},"id":"human-monitor-command"}`,
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
