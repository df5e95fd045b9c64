# Lists a host, whatever the number of objects, with the same few processes.
# $1 data directory. Each section is a line of its name and then its lines.
visit "$1"
set --
for dir in images instances snapshots; do
	[ ! -d "$dir" ] || set -- "$@" "$dir"
done
echo '[metadata]'
[ $# -eq 0 ] || find "$@" -maxdepth 3 -type f \( -name '*.json' -o -path '*/run/control.pid' -o -path '*/run/receiver.pid' \) -exec grep -H '' {} +
# A checkpoint that has lost its parts is one nevertheless.
echo '[files]'
[ $# -eq 0 ] || find "$@" -maxdepth 3 \( -type f \( -path '*/disk/*' -o -path '*/checkpoint/*' -o -path '*/boot/*' -o -path 'images/*' -o -path '*/rollback/instance.json' \) -o -type d -path 'instances/*/checkpoint' \) -exec stat -c '%h %b %s %n' {} +
echo '[processes]'
printf '%s %s\n' "$BOOT_ID" "$MACHINE_ID"
set --
for file in instances/*/run/control.pid instances/*/run/receiver.pid; do
	[ -f "$file" ] && read -r pid _ <"$file" && is_number "$pid" && [ -d "/proc/$pid" ] || continue
	set -- "$@" "/proc/$pid/stat"
done
[ $# -eq 0 ] || cat "$@" 2>/dev/null
echo '[events]'
[ ! -d instances ] || find instances -maxdepth 3 -type f -path '*/run/control.out' -exec grep -HE '"event": "(STOP|RESUME|SHUTDOWN|GUEST_PANICKED)"' {} +
# A checkpoint that has come since shows that an instance changed meanwhile.
echo '[checkpoints]'
[ ! -d instances ] || echo instances/*/checkpoint/memory
echo '[ports]'
if [ -d ports ]; then
	printf '*'
	for claim in ports/*; do # one whose instance is gone is void
		[ ! -d "$claim" ] || printf ' %s' "${claim#ports/}"
	done
	echo
fi
sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]*\) [0-9A-F]*:0000 0A .*/\1/p' /proc/net/tcp /proc/net/tcp6 2>/dev/null
echo '[end]'
