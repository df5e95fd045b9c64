package ssh

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kevinburke/ssh_config"
	xssh "golang.org/x/crypto/ssh"
)

// CheckHostKey, CheckPrivateKey and CheckJumps report what can be seen to be
// wrong with the field of a [Config] before any host is asked. No error has any
// of a key in it.

// CheckHostKey is of HostKey.
func CheckHostKey(text string) error {
	if _, _, _, _, err := xssh.ParseAuthorizedKey([]byte(text)); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return nil
}

// CheckPrivateKey is of PrivateKey. An encrypted one may be held by the agent.
func CheckPrivateKey(text string) error {
	_, err := xssh.ParsePrivateKey([]byte(text))
	if _, encrypted := errors.AsType[*xssh.PassphraseMissingError](err); err == nil || encrypted {
		return nil
	}
	return fmt.Errorf("it cannot be read: %w", err)
}

// CheckJumps is of ProxyJump.
func CheckJumps(text string) error {
	if strings.EqualFold(text, "none") {
		return nil
	}
	_, err := (&sshConfig{&ssh_config.Config{}}).jumps(text)
	return err
}
