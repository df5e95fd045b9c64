package testhost

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const tunDevice = "/dev/net/tun"

// open makes the namespace, and a TUN device at either end.
func (l *Link) open() error {
	client, host, err := freeAddresses()
	if err != nil {
		return err
	}
	l.clientAddress, l.HostAddress = client.String(), host.String()
	if l.client, err = openTUN(client, host); err != nil {
		return err
	}
	if err = inNewNamespace(func() (err error) {
		if l.namespace, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		if err = setUp("lo"); err == nil {
			l.host, err = openTUN(host, client)
		}
		return err
	}); err != nil {
		l.client.Close()
		if l.namespace != nil {
			l.namespace.Close()
		}
		return err
	}
	return nil
}

// freeAddresses are two neighbours of 198.18.0.0/15, which RFC 2544 sets apart
// for tests of networks, chosen by chance: other tests run at the same time.
func freeAddresses() (client, host net.IP, err error) {
	taken, err := net.InterfaceAddrs()
	if err != nil {
		return nil, nil, fmt.Errorf("list the addresses of this machine: %w", err)
	}
again:
	for {
		n := rand.N(1 << 15) // a network of four addresses
		network := net.IPNet{IP: net.IPv4(198, 18+byte(n>>14), byte(n>>6), byte(n<<2)), Mask: net.CIDRMask(30, 32)}
		for _, address := range taken {
			if of, ok := address.(*net.IPNet); ok && network.Contains(of.IP) {
				continue again
			}
		}
		base := network.IP.To4()
		return net.IPv4(base[0], base[1], base[2], base[3]+1), net.IPv4(base[0], base[1], base[2], base[3]+2), nil
	}
}

// inNewNamespace runs do on a thread that is in a new network namespace meanwhile.
// Afterwards the thread goes on where it was: were it to end, the kernel would end
// what it has started that is to end with its parent, as Terraform is where
// plugin-testing runs it.
func inNewNamespace(do func() error) error {
	runtime.LockOSThread()
	before, err := os.Open("/proc/thread-self/ns/net")
	if err == nil {
		defer before.Close()
		err = unix.Unshare(unix.CLONE_NEWNET)
	}
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("make a network namespace: %w", err)
	}
	err = do()
	if back := unix.Setns(int(before.Fd()), unix.CLONE_NEWNET); back != nil { // nobody else gets this thread
		return errors.Join(err, fmt.Errorf("leave a network namespace: %w", back))
	}
	runtime.UnlockOSThread()
	return err
}

// openTUN makes a TUN device in the namespace of this thread, from one address
// to another. It is gone when it is closed.
func openTUN(address, peer net.IP) (*os.File, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", tunDevice, err)
	}
	if err := configureTUN(fd, address, peer); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make a TUN device: %w", err)
	}
	return os.NewFile(uintptr(fd), tunDevice), nil
}

func configureTUN(fd int, address, peer net.IP) error {
	device, err := unix.NewIfreq("kvmlink%d") // the kernel puts in a number that is free
	if err != nil {
		return err
	}
	device.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, device); err != nil {
		return err
	}
	if err := setAddress(device.Name(), unix.SIOCSIFADDR, address); err != nil {
		return err
	}
	if err := setAddress(device.Name(), unix.SIOCSIFDSTADDR, peer); err != nil {
		return err
	}
	return setUp(device.Name())
}

func setAddress(device string, request uint, address net.IP) error {
	return ask(device, request, func(r *unix.Ifreq) error { return r.SetInet4Addr(address.To4()) })
}

func setUp(device string) error {
	return ask(device, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_UP | unix.IFF_NOARP) // there is no link layer to ask
		return nil
	})
}

// ask makes one request of netdevice(7) in the namespace of this thread.
func ask(device string, request uint, fill func(*unix.Ifreq) error) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	r, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	if err := fill(r); err != nil {
		return err
	}
	return unix.IoctlIfreq(socket, request, r)
}
