variable "kernel" {
  description = "Linux kernel (vmlinuz) to boot: a path or a URL."
  type        = string
}

variable "initrd" {
  description = "Initial RAM disk of the kernel: a path or a URL."
  type        = string
}

variable "disk" {
  description = "Disk (qcow2 or raw) of the guest, which answers HTTP on port 80: a path or a URL."
  type        = string
}

variable "command_line" {
  description = "Command line of the kernel."
  type        = string
  default     = "console=ttyS0 root=/dev/vda1"
}

variable "memory_mib" {
  description = "Memory of the base and of each fork, in MiB. Forks share what they do not write to."
  type        = number
  default     = 512
}

variable "forks" {
  description = "Names of the forks, which are called web-NAME."
  type        = set(string)
  default     = ["a", "b", "c", "d", "e"]
}
