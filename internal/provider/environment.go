package provider

import (
	"errors"
	"fmt"
	"path"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/provider/hosts"
)

// environmentHost is the name of the host that the environment describes.
const environmentHost = "default"

// fromEnvironment is the one host of a provider that is configured by nothing
// but its environment.
func fromEnvironment(getenv func(string) string) (map[string]hosts.Entry, error) {
	address := getenv("KVM_HOST_ADDRESS")
	if address == "" {
		return nil, errors.New("there is no host: set hosts in the provider's configuration, or the environment variable KVM_HOST_ADDRESS")
	}
	port := types.Int64Null()
	if text := getenv("KVM_HOST_PORT"); text != "" {
		number, err := strconv.ParseUint(text, 10, 16)
		if err != nil || number == 0 {
			return nil, fmt.Errorf("KVM_HOST_PORT is %q: it must be a number from 1 to 65535", text)
		}
		port = types.Int64Value(int64(number))
	}
	if dir := getenv("KVM_HOST_DATA_DIR"); dir != "" && !path.IsAbs(dir) {
		return nil, fmt.Errorf("KVM_HOST_DATA_DIR is %q: it must be an absolute path", dir)
	}
	if accelerator := getenv("KVM_HOST_ACCELERATOR"); accelerator != "" && accelerator != "kvm" && accelerator != "tcg" {
		return nil, fmt.Errorf("KVM_HOST_ACCELERATOR is %q: it must be kvm or tcg", accelerator)
	}
	user := getenv("KVM_HOST_QEMU_USER")
	if user != "" && !userName.MatchString(user) {
		return nil, fmt.Errorf("KVM_HOST_QEMU_USER is %q: it %s", user, userNameRule)
	}
	h := hostModel{
		Address:        types.StringValue(address),
		Port:           port,
		User:           types.StringValue(getenv("KVM_HOST_USER")),
		PrivateKeyFile: types.StringValue(getenv("KVM_HOST_PRIVATE_KEY_FILE")),
		HostKey:        types.StringValue(getenv("KVM_HOST_KEY")),
		DataDir:        types.StringValue(getenv("KVM_HOST_DATA_DIR")),
		Accelerator:    types.StringValue(getenv("KVM_HOST_ACCELERATOR")),
		QEMUBinary:     types.StringValue(getenv("KVM_HOST_QEMU_BINARY")),
		QEMUUser:       types.StringValue(user),
	}
	return map[string]hosts.Entry{environmentHost: h.entry(environmentHost)}, nil
}
