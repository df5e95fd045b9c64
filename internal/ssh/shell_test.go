package ssh

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// localShells are the shells that a host's /bin/sh may be.
var localShells = map[string][]string{
	"dash":    {"dash"},
	"busybox": {"busybox", "sh"},
	"bash":    {"bash", "--posix"},
}

func eachShell(t *testing.T, prelude string, test func(*testing.T, *shell)) {
	for name, argv := range localShells {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(argv[0]); err != nil {
				t.Skip(err)
			}
			test(t, startLocal(t, prelude, argv...))
		})
	}
}

// startLocal starts a process to be spoken to in frames.
func startLocal(t testing.TB, prelude string, argv ...string) *shell {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// os/exec would close its own pipes under the readers when the process ends.
	stdout, outWriter := io.Pipe()
	stderr, errWriter := io.Pipe()
	cmd.Stdout, cmd.Stderr = outWriter, errWriter
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
		outWriter.Close()
		errWriter.Close()
	}()
	t.Cleanup(func() {
		stdin.Close()
		stdout.Close()
		stderr.Close()
		_ = cmd.Process.Kill()
		<-ended
	})
	return newShell(stdin, stdout, stderr, prelude)
}

func runFrame(t *testing.T, sh *shell, text string, args ...string) Result {
	t.Helper()
	result, err := sh.run(sh.next(Script{Text: text, Args: args}, false), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return result
}

var frameCases = []struct {
	name string
	text string
	args []string
	want Result
}{
	{name: "nothing", text: ""},
	{name: "output without a last newline", text: "printf abc; printf def >&2", want: Result{Stdout: "abc", Stderr: "def"}},
	{name: "output with newlines around", text: `printf '\n\na\n\n'`, want: Result{Stdout: "\n\na\n\n"}},
	{name: "bytes that are no text", text: `printf '\377\001\0a'`, want: Result{Stdout: "\xff\x01\x00a"}},
	{name: "status", text: "exit 7", want: Result{Status: 7}},
	{name: "status of the last command", text: "false", want: Result{Status: 1}},
	{name: "arguments", text: `printf '%s|' "$#" "$@"`, args: []string{"it's", "", "a\nb", "$HOME"}, want: Result{Stdout: "4|it's||a\nb|$HOME|"}},
	{name: "no arguments after some", text: `echo $#`, want: Result{Stdout: "0\n"}},
	{name: "a large argument", text: `echo ${#1}`, args: []string{strings.Repeat("x'", 50_000)}, want: Result{Stdout: "100000\n"}},
	{name: "a heredoc", text: "cat <<END\n$1 )\nEND", args: []string{"x"}, want: Result{Stdout: "x )\n"}},
	{name: "a comment at the end", text: "echo a # it's (", want: Result{Stdout: "a\n"}},
	{name: "no standard input", text: "cat; echo done", want: Result{Stdout: "done\n"}},
	{name: "umask and locale", text: `umask; echo "$LC_ALL"`, want: Result{Stdout: "0077\nC\n"}},
	{name: "a function of the prelude", text: "greet you", want: Result{Stdout: "hello you\n"}},
	{name: "leaves variables and directory", text: "x=1; cd /; trap 'echo bye' EXIT", want: Result{Stdout: "bye\n"}},
	{name: "finds none of them", text: `echo "${x-unset}"`, want: Result{Stdout: "unset\n"}},
}

func TestShell_AnswersEveryFrameExactly(t *testing.T) {
	eachShell(t, "greet() { echo \"hello $1\"; }", func(t *testing.T, sh *shell) {
		for _, tc := range frameCases {
			if got := runFrame(t, sh, tc.text, tc.args...); got != tc.want {
				t.Errorf("%s: got %s, want %s", tc.name, brief(got), brief(tc.want))
			}
		}
	})
}

func TestShell_ReturnsLargeOutputWhole(t *testing.T) {
	big := strings.Repeat("0123456789abcde\n", 3<<16) // 3 MiB
	file := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(file, []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	eachShell(t, "", func(t *testing.T, sh *shell) {
		if got := runFrame(t, sh, `cat "$1"; cat "$1" >&2`, file); got != (Result{Stdout: big, Stderr: big}) {
			t.Errorf("got %d and %d bytes of %d", len(got.Stdout), len(got.Stderr), len(big))
		}
	})
}

func TestShell_GivesTheStatusOfAScriptThatWasKilled(t *testing.T) {
	eachShell(t, "", func(t *testing.T, sh *shell) {
		if got := runFrame(t, sh, `sh -c 'kill -9 $$'`); got.Status != 128+9 {
			t.Errorf("got %s", brief(got))
		}
	})
}

func TestShell_SurvivesAScriptThatDoesNotParse(t *testing.T) {
	eachShell(t, "", func(t *testing.T, sh *shell) {
		for _, text := range []string{"if", "echo )", "echo 'open", "}"} {
			if got := runFrame(t, sh, text); got.Status == 0 || got.Stderr == "" {
				t.Errorf("%q: %s, want a syntax error", text, brief(got))
			}
		}
		if got := runFrame(t, sh, "echo alive"); got.Stdout != "alive\n" {
			t.Errorf("afterwards: %s", brief(got))
		}
	})
}

func TestShell_IsNotConfusedByWhatAScriptLeavesRunning(t *testing.T) {
	eachShell(t, "", func(t *testing.T, sh *shell) {
		got := runFrame(t, sh, "(sleep 0.1; echo late; echo late >&2) & echo now")
		if got.Stdout != "now\n" {
			t.Errorf("got %s", brief(got))
		}
		runFrame(t, sh, "sleep 0.01") // the late lines come into a later frame or between two
		if got := runFrame(t, sh, "exit 3"); got.Status != 3 {
			t.Errorf("afterwards: %s", brief(got))
		}
	})
}

func TestShell_DiscardsWhatIsPrintedBeforeAFrame(t *testing.T) {
	eachShell(t, "echo welcome; printf 'no newline'; echo oops >&2", func(t *testing.T, sh *shell) {
		if got := runFrame(t, sh, "echo a"); got != (Result{Stdout: "a\n"}) {
			t.Errorf("got %s", brief(got))
		}
	})
}

func TestShell_RunsNothingOfAFrameThatIsNotWhole(t *testing.T) {
	eachShell(t, "", func(t *testing.T, sh *shell) {
		f := sh.next(Script{Text: "echo ran"}, false)
		part := f
		part.text = strings.TrimSuffix(f.text, "}\n")
		_, err := sh.run(part, func(error) { sh.stdin.(io.Closer).Close() })
		var silent *silentError
		if !errors.As(err, &silent) || strings.Contains(silent.printed, "ran") {
			t.Errorf("got %v, want a shell that ran nothing", err)
		}
	})
}

func TestShell_SaysWhenItEndedWithinAScript(t *testing.T) {
	eachShell(t, "", func(t *testing.T, sh *shell) {
		if _, err := sh.run(sh.next(Script{Text: "kill -9 $$"}, false), nil); !errors.Is(err, errCut) {
			t.Errorf("got %v, want errCut", err)
		}
	})
}

func TestShell_TellsWhatAProgramThatIsNoShellPrinted(t *testing.T) {
	sh := startLocal(t, "", "echo", "This account is not available.")
	_, err := sh.run(sh.next(Script{Text: "echo ran"}, false), nil)
	var silent *silentError
	if !errors.As(err, &silent) || silent.printed != "This account is not available.\n" {
		t.Errorf("got %v", err)
	}
}

// brief keeps megabytes out of a failure's message.
func brief(r Result) string {
	cut := func(s string) string { return s[:min(len(s), 80)] }
	return fmt.Sprintf("status %d, stdout %q, stderr %q", r.Status, cut(r.Stdout), cut(r.Stderr))
}
