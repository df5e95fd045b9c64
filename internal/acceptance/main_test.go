// Package acceptance_test runs the provider as a user does: the real terraform
// against a real sshd, real QEMU processes and a real, tiny Linux guest.
//
// All tests share one host, on which a base instance was booted once and a
// snapshot of it taken: a test forks from that instead of booting. It is the host
// "default" of the environment, so that most configurations name none. A test
// that spoils a host starts its own.
package acceptance_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// shared is the host that tests share, with its base, and the snapshot golden.
var shared *lab

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (status int) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "kvm-acceptance-")
	if err != nil {
		log.Print(err)
		return 1
	}
	tidy := func() error { return errors.Join(closeLabs(), os.RemoveAll(dir)) }
	// Whatever happens, nothing stays behind: not a failed test's guests, nor
	// those of a run that is interrupted or takes too long.
	defer func() {
		if err := tidy(); err != nil {
			log.Print(err)
			status = 1
		}
	}()
	if err := setTerraform(ctx, dir); err != nil {
		log.Print(err)
		return 1
	}
	defer watch(tidy)()
	if shared, err = seed(ctx, testhost.Options{}); err != nil {
		log.Print(err)
		return 1
	}
	shared.setEnvironment()
	return m.Run()
}

// setTerraform chooses the terraform that the tests run, and shields it from the
// configuration of who runs them.
func setTerraform(ctx context.Context, dir string) error {
	program, err := testhost.Terraform(ctx, os.Stderr)
	if err != nil {
		return err
	}
	config := filepath.Join(dir, "terraformrc")
	for name, value := range map[string]string{
		"TF_ACC": "1", "TF_ACC_TERRAFORM_PATH": program, "TF_CLI_CONFIG_FILE": config, "TF_ACC_TEMP_DIR": dir,
		"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return os.WriteFile(config, nil, 0o600)
}

// setEnvironment makes l the host of a provider that has no configuration.
func (l *lab) setEnvironment() {
	for name, value := range map[string]string{
		"KVM_HOST_ADDRESS": l.Address, "KVM_HOST_PORT": strconv.Itoa(l.Port), "KVM_HOST_USER": l.User,
		"KVM_HOST_PRIVATE_KEY_FILE": l.PrivateKeyFile, "KVM_HOST_KEY": l.HostKey,
		"KVM_HOST_DATA_DIR": l.DataDir, "KVM_HOST_ACCELERATOR": "tcg",
	} {
		_ = os.Setenv(name, value) // fails only for impossible names
	}
}

// watch ends the run in good order when it is interrupted, or shortly before go
// test would kill it for taking too long. The result stops the watch.
func watch(tidy func() error) (stop func()) {
	interrupted, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	var late <-chan time.Time
	if limit := flag.Lookup("test.timeout").Value.(flag.Getter).Get().(time.Duration); limit > 0 {
		late = time.After(limit - min(limit/4, 20*time.Second))
	}
	go func() {
		why := errors.New("the tests take too long")
		select {
		case <-stopped:
			return
		case <-late:
		case s := <-interrupted:
			why = fmt.Errorf("the tests got the signal %v", s)
		}
		log.Print(errors.Join(why, tidy()))
		os.Exit(1)
	}()
	return func() {
		signal.Stop(interrupted)
		close(stopped)
	}
}
