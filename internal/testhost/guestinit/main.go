//go:build linux

// Command guestinit is process 1 of the test guest: one static program instead
// of a shell with helpers, since under software emulation every process that a
// guest starts costs tens of milliseconds. It answers HTTP and an SSH banner,
// follows its network interfaces, and heeds the power button.
//
// Words on the kernel command line change what it does:
//
//	testguest.panic    the kernel panics once the modules are loaded
//	testguest.silent   no HTTP, no banner, no "testguest ready"
//	testguest.dhcp     cards on a bridge ask for their address
//	testguest.nopower  the power button is ignored
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	mountAll()
	loadModules("/modules")

	switches := commandLine()
	if switches("testguest.panic") {
		report("panic", os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0o200))
	}
	if !switches("testguest.nopower") {
		watchPowerButton()
	}
	mountDisk()
	watchNetwork(switches("testguest.dhcp"))
	if !switches("testguest.silent") {
		serve()
		fmt.Println("testguest ready")
	}
	select {} // process 1 must never end
}

func mountAll() {
	for _, fs := range []struct{ kind, dir string }{
		{"devtmpfs", "/dev"}, {"proc", "/proc"}, {"sysfs", "/sys"},
	} {
		report("mount "+fs.dir, syscall.Mount(fs.kind, fs.dir, fs.kind, 0, ""))
	}
}

// loadModules loads the modules in dir in the order of their file names, which
// is the order of their dependencies.
func loadModules(dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.ko"))
	report("list modules", err)
	for _, file := range files {
		report("load "+file, loadModule(file))
	}
}

func loadModule(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return finitModule(f.Fd())
}

// commandLine tells which words the kernel was started with.
func commandLine() func(word string) bool {
	text, err := os.ReadFile("/proc/cmdline")
	report("read the kernel command line", err)
	words := strings.Fields(string(text))
	return func(word string) bool { return slices.Contains(words, word) }
}

// report prints what went wrong on the console and lets the guest go on: a
// guest with half its devices still tells a test more than one that stopped.
func report(doing string, err error) {
	if err != nil {
		fmt.Printf("testguest: %s: %v\n", doing, err)
	}
}
