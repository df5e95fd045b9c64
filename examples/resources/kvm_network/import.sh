# By id, HOST/networks/NAME, or, on the default host, by name.
terraform import kvm_network.lan lab/networks/lan
