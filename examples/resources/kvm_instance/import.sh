# By id, HOST/instances/NAME, or, on the default host, by name.
terraform import kvm_instance.base lab/instances/base
