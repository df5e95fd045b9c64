# What cloud-init in the guest is told. A secret is in the seed on the host alone:
# not in the state, and not in the plan.
variable "token" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "kvm_instance" "runner" {
  name  = "runner"
  image = kvm_image.debian.id
  cloud_init = {
    user_data_wo = <<-END
      #cloud-config
      users:
        - name: runner
          ssh_authorized_keys: ["ssh-ed25519 AAAA… runner"]
      write_files:
        - path: /etc/runner/token
          permissions: "0600"
          content: ${jsonencode(var.token)}
    END

    user_data_wo_version = 1 # raise it with the token, and the guest restarts
    network_config       = yamlencode({ version = 2, ethernets = { all = { match = { name = "e*" }, dhcp4 = true } } })
  }
}
