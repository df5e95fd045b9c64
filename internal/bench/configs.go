package main

import (
	"fmt"

	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testbed"
	"github.com/seed-a7bafb14/terraform-provider-kvm/internal/testhost"
)

// The configurations that are applied. Each has a variable n, how many there are.

// providers is which of them a configuration is of.
const providers = `
terraform {
  required_providers {
    kvm    = { source = "` + testbed.ProviderAddress + `" }
    random = { source = "` + randomAddress + `" }
  }
}
`

const interfaces = `{ lan = { forward = { http = { guest_port = 80 } } } }`

const readyWhenItAnswers = `ready = { check = "http", port = 80, path = "/token", timeout = "10m" }`

func forksConfig(more string) string {
	return providers + `
resource "kvm_instance" "fork" {
  count   = var.n
  name    = "fork-${count.index}"
  fork_of = "` + testbed.HostName + `/snapshots/golden"
  ` + more + `
}
`
}

var bootsConfig = providers + fmt.Sprintf(`
resource "kvm_instance" "boot" {
  count              = var.n
  name               = "boot-${count.index}"
  image              = "%[1]s/images/disk"
  kernel             = { image = "%[1]s/images/vmlinuz", initrd = "%[1]s/images/initrd", command_line = %[2]q }
  memory_mib         = %[3]d
  network_interfaces = %[4]s
  %[5]s
}
`, testbed.HostName, testhost.CommandLine, manyMiB, interfaces, readyWhenItAnswers)

const stoppedConfig = providers + `
resource "kvm_instance" "fork" {
  count   = var.n
  name    = "fork-${count.index}"
  fork_of = "` + testbed.HostName + `/snapshots/golden"
  state   = "stopped"
}
`

const randomConfig = providers + `
resource "random_id" "it" {
  count       = var.n
  byte_length = 8
}
`

const dataConfig = `
resource "terraform_data" "it" {
  count = var.n
  input = count.index
}
`
