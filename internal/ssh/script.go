package ssh

// A Script is POSIX sh text with the values it works on. Text is a constant of
// this program; whatever comes from a user travels in Args and reaches the
// script as "$1", "$2", …, never as part of its text.
type Script struct {
	Name string   // for logs and errors, such as "instance/start"
	Text string   // runs in a subshell with umask 077 and no standard input
	Args []string // positional parameters

	// Atomic says that once the script was sent its end is awaited even when
	// the context ends: the step in hand is finished, not abandoned.
	Atomic bool
}

// A Result is what a script printed and how it ended. A status other than zero
// is not an error of this package: what it means is for the caller to say.
type Result struct {
	Stdout string
	Stderr string
	Status int // exit status, 0 to 255
}
