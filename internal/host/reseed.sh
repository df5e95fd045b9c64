# Runs in a guest that goes on from a checkpoint, as root: others may go on from it,
# too, and would draw the same random numbers. The bytes on standard input go into
# the kernel's pool, of which it makes a new key at once where there is something
# to say so with (RNDRESEEDCRNG of random(4), 0x5207), and within a minute where
# there is not. A kernel that knows vmgenid has done so by itself.
if command -v perl >/dev/null; then
	perl -e 'local $/; my $bytes = <STDIN>; open my $pool, ">", "/dev/urandom" or die $!; syswrite $pool, $bytes; ioctl $pool, 0x5207, 0 or die $!'
elif command -v python3 >/dev/null; then
	python3 -c 'import fcntl, sys; pool = open("/dev/urandom", "wb", 0); pool.write(sys.stdin.buffer.read()); fcntl.ioctl(pool, 0x5207)'
else
	cat >/dev/urandom
fi
