output "ssh" {
  description = "Command that logs into each machine through the host; null of one that has told no address yet, which an apply asks for."
  value = { for vm in concat([kvm_instance.base], values(kvm_instance.fork)) : vm.name => try(
    var.network
    ? "ssh -J ${var.jump} ${var.user}@${vm.ip_addresses.lan[0]}"
    : "ssh -J ${var.jump} -p ${vm.network_interfaces.lan.forward.ssh.host_port} ${var.user}@127.0.0.1",
    null,
  ) }
}
