variable "jump" {
  description = "The host for `ssh -J`: USER@ADDRESS, or USER@ADDRESS:PORT."
  type        = string
}

variable "network" {
  description = "Whether the machines are on a network, with addresses of their own, for which the login is to be root; else they are reached by ports of the host."
  type        = bool
  default     = false
}

variable "image" {
  description = "Debian's image for clouds: a URL or a path."
  type        = string
  default     = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
}

variable "user" {
  description = "User that cloud-init makes, who may use sudo without a password."
  type        = string
  default     = "admin"
}

variable "public_key_file" {
  description = "SSH public key that logs in as the user."
  type        = string
  default     = "~/.ssh/id_ed25519.pub"
}

variable "packages" {
  description = "Packages that cloud-init installs. An image that has the agent, or that reaches no mirror, needs none."
  type        = list(string)
  default     = ["qemu-guest-agent"]
}

variable "forks" {
  description = "Names of the forks, which are called debian-NAME."
  type        = set(string)
  default     = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
}
