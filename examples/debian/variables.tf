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

variable "forks" {
  description = "Names of the forks, which are called debian-NAME."
  type        = set(string)
  default     = ["a", "b", "c"]
}
