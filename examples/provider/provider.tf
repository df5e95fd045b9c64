terraform {
  required_providers {
    kvm = {
      source = "seed-a7bafb14/kvm"
    }
  }
}

provider "kvm" {
  hosts = {
    lab = {
      address = "kvm1.example.com" # or an alias in ~/.ssh/config
      user    = "kvm"
    }
    edge = {
      address          = "192.0.2.17"
      port             = 2222
      user             = "kvm"
      private_key_file = "~/.ssh/id_edge"
      host_key         = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJvuGAkI2CDPyMHLyuJB3ohIVzUvg0WHZ0FjtXHtgtXX"
      proxy_jump       = "admin@bastion.example.com"
      data_dir         = "/srv/vms"
    }
  }
  default_host = "lab" # with one host there is no need to say so
}
