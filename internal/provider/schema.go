package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/host"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/field"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/ssh"
)

var absolute = regexp.MustCompile(`^/`)

// userName is what a user on a host may be called, as for useradd.
var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

const userNameRule = "must be the name of a user: a letter or an underscore, and up to 31 letters, digits, dots, hyphens and underscores"

func providerSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Runs virtual machines on plain Linux hosts that have `sshd`, QEMU and a directory: no agent, no daemon, no root. " +
			"Running machines are put into standby and forked, memory and disk, in a fraction of a second.",
		Attributes: map[string]schema.Attribute{
			"hosts": schema.MapNestedAttribute{
				MarkdownDescription: "The hosts, by a name of 1 to 63 of `a-z`, `0-9` and `-` that is the first part of the id of everything on them. " +
					"Default: one host called `default`, of the environment variables `KVM_HOST_ADDRESS`, `KVM_HOST_PORT`, `KVM_HOST_USER`, `KVM_HOST_PRIVATE_KEY_FILE`, `KVM_HOST_KEY`, `KVM_HOST_DATA_DIR`, `KVM_HOST_ACCELERATOR`, `KVM_HOST_QEMU_BINARY` and `KVM_HOST_QEMU_USER`. " +
					"A host is connected to when it is first used, once.",
				Optional:     true,
				NestedObject: schema.NestedAttributeObject{Attributes: hostAttributes()},
				Validators: []validator.Map{
					mapvalidator.SizeAtLeast(1),
					mapvalidator.NoNullValues(),
					mapvalidator.KeysAre(field.IsName()),
				},
			},
			"default_host": schema.StringAttribute{
				MarkdownDescription: "Host of everything that does not name one: a key of `hosts`. Default: the only host; with several hosts, none.",
				Optional:            true,
			},
		},
	}
}

func hostAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"address": schema.StringAttribute{
			MarkdownDescription: "Name or IP address of the host, or an alias in `~/.ssh/config`, of which `HostName`, `Port`, `User`, `IdentityFile` and `ProxyJump` are obeyed where they are not set here.",
			Required:            true,
			Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
		},
		"port": schema.Int64Attribute{
			MarkdownDescription: "TCP port of `sshd`. Default: 22.",
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 65535)},
		},
		"user": text("User to log in as. It must own `data_dir`; it need not be root. Default: the user who runs Terraform."),
		"private_key": schema.StringAttribute{
			MarkdownDescription: "Private key to log in with, as PEM text, without a passphrase. Default: the keys of the SSH agent, then OpenSSH's default files. Conflicts with `private_key_file`.",
			Optional:            true,
			Sensitive:           true,
			Validators: []validator.String{
				stringvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("private_key_file")),
				field.Valid("a private key as PEM text", ssh.CheckPrivateKey),
			},
		},
		"private_key_file": text("File of the private key to log in with. Conflicts with `private_key`."),
		"host_key": text("Public key of the host, such as `ssh-ed25519 AAAA…`; no other is accepted. Default: `known_hosts_file` decides. Conflicts with `known_hosts_file`.",
			stringvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("known_hosts_file")),
			field.Valid("a public key such as ssh-ed25519 AAAA…", ssh.CheckHostKey)),
		"known_hosts_file": text("File of the known hosts' keys, which is never written to. Default: `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`. Conflicts with `host_key`."),
		"proxy_jump": text("Hosts to go through, such as `user@bastion:22`, several separated by commas; `none` for none. Default: what `~/.ssh/config` says.",
			field.Valid("hosts such as user@bastion:22, with commas between several", ssh.CheckJumps)),
		"data_dir": text("Absolute path of the directory on the host that holds everything; one filesystem. Default: `"+host.DefaultDataDir+"`.",
			stringvalidator.RegexMatches(absolute, "must be an absolute path")),
		"accelerator": text("`kvm`, or `tcg` for software emulation, which is many times slower and meant for tests. It is never chosen silently. Default: `"+host.DefaultAccelerator+"`.",
			stringvalidator.OneOf("kvm", "tcg")),
		"qemu_binary": text("Name or path of QEMU on the host. Default: `" + host.DefaultQEMUBinary + "`."),
		"qemu_user": text("User on the host whom QEMU becomes (`-runas`, from QEMU 9.1 on `-run-with user=`) when `user` is root; with another login it is an error. The user needs no rights of its own: QEMU opens `/dev/kvm`, disks and memory before. "+
			"Best is one that runs nothing else, such as of `useradd --system --no-create-home --shell /usr/sbin/nologin NAME`. A change holds for an instance when it starts next. Default: none, and where the login is root an apply that starts a guest warns that it runs as root.",
			stringvalidator.RegexMatches(userName, userNameRule)),
	}
}

// text is an optional argument; an empty one is a mistake.
func text(description string, validators ...validator.String) schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: description,
		Optional:            true,
		Validators:          append([]validator.String{stringvalidator.LengthAtLeast(1)}, validators...),
	}
}
