// Package report turns errors into diagnostics, and is the only one that does.
package report

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/qemu"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

// Error reports that verb could not be done to an object: what it was and why,
// where, what the host said, the state that is left, and one line of remedy.
func Error(diags *diag.Diagnostics, verb string, id hosts.ID, err error) {
	diags.AddError(Summary(verb, id, err), Detail(id, err))
}

// Left returns err with a word on what is left after it, which stands instead
// of what the driver said: more was done since.
func Left(err error, left string) error { return &leftError{err, left, ""} }

// LeftTo returns err with what is left and, instead of what the driver advised,
// what to do next; "": what the driver advised.
func LeftTo(err error, left, remedy string) error { return &leftError{err, left, remedy} }

type leftError struct {
	error
	left   string
	remedy string // instead of any other; "": none
}

func (e *leftError) Unwrap() error { return e.error }

// Summary is a diagnostic's first line. The step that failed is more telling
// than the whole that was wanted.
func Summary(verb string, id hosts.ID, err error) string {
	object := id.Object()
	if failed, ok := errors.AsType[*host.Error](err); ok {
		verb, object = failed.Verb, failed.Object
	}
	return "Unable to " + verb + " " + object
}

// Detail is all that a diagnostic says below its first line.
func Detail(id hosts.ID, err error) string {
	cause, name, said, left, remedy := err, id.Host, "", "", ""
	if failed, ok := errors.AsType[*host.Error](err); ok {
		cause, name, said, left, remedy = failed.Err, failed.Host, failed.Said, failed.Left, failed.Remedy
		// What the provider added around the driver's error belongs to the cause.
		if before, _, ok := strings.Cut(err.Error(), failed.Error()); ok && before != "" {
			cause = errors.New(before + failed.Err.Error())
		}
	}
	if after, ok := errors.AsType[*leftError](err); ok {
		left, remedy = after.left, cmp.Or(after.remedy, remedy)
	}
	if remedy == "" {
		remedy = remedyFor(id, err)
	}
	parts := []string{Sentence(cause.Error())}
	if name != "" {
		parts = append(parts, "Host: "+name)
	}
	if said != "" {
		parts = append(parts, "The host said:\n"+indent(Text(said)))
	}
	for _, part := range []string{left, remedy} {
		if part != "" {
			parts = append(parts, Sentence(part))
		}
	}
	return strings.Join(parts, "\n\n")
}

// remedyFor says what to do next where the driver has no advice.
func remedyFor(id hosts.ID, err error) string {
	switch {
	case errors.Is(err, host.ErrReplaced):
		return "Run terraform plan to see what is there now."
	case errors.Is(err, host.ErrChanged):
		return "Run terraform apply again when the other change is done."
	case errors.Is(err, ssh.ErrUnreachable):
		return "Check address and port of the host, that sshd runs there, and that no firewall is in the way; then apply again."
	case errors.Is(err, ssh.ErrAuthentication):
		return "Put the public key into the file ~/.ssh/authorized_keys of that user on the host, or set another user or private_key_file."
	case errors.Is(err, ssh.ErrForwarding):
		return `Allow it in the host's sshd_config ("AllowTcpForwarding local" is enough), or use ready = { check = "console" }, which needs no forwarding.`
	case errors.Is(err, context.DeadlineExceeded):
		return "If it only needs longer, raise the limit in timeouts."
	case errors.Is(err, context.Canceled):
		return "Run terraform apply again to go on."
	case id.Kind == host.Images && isContent(err):
		return "Check source and checksum, then apply again."
	}
	return ""
}

// notContent are causes for which an image's source is not to blame, or which
// say themselves what to do.
var notContent = []error{
	host.ErrFailed, host.ErrUnfit, host.ErrNotFound, qemu.ErrBackingFile, qemu.ErrDataFile,
	ssh.ErrLost, ssh.ErrHostKey, ssh.ErrNoShell,
}

// isContent reports whether an image was not made because of what it was to be
// made of, rather than because of its host.
func isContent(err error) bool {
	failed, ok := errors.AsType[*host.Error](err)
	return ok && failed.Verb == "create" &&
		!slices.ContainsFunc(notContent, func(cause error) bool { return errors.Is(err, cause) })
}

// Sentence gives text a capital and a full stop. An address or an id may come
// first or last and stays as it is. What a terminal would obey is not text.
func Sentence(text string) string {
	text = strings.TrimSpace(Text(text))
	if text == "" {
		return text
	}
	if first, _, _ := strings.Cut(text, " "); !strings.ContainsAny(first, "_/.:=\"`") {
		first, size := utf8.DecodeRuneInString(text)
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if last := text[strings.LastIndexAny(text, " \n")+1:]; !strings.HasSuffix(text, ".") && !strings.ContainsAny(last, "/?!:") {
		text += "."
	}
	return text
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// Replaced reports whether the uid of what was found is another than the one
// that is known, and warns of it: the name now belongs to somebody else.
func Replaced(diags *diag.Diagnostics, id hosts.ID, known, found string) bool {
	if known == "" || known == found { // nothing is known yet after an import
		return false
	}
	diags.AddWarning("Another object has the name of "+id.Object(),
		"What has the name "+id.Name+" on host "+id.Host+" now is not what Terraform made (uid "+Text(found)+" instead of "+known+"). "+
			"It is left alone, and what Terraform made is taken for deleted. To take over what is there, import it: terraform import ADDRESS "+id.String())
	return true
}
