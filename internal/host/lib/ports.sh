# Host ports: ports/PORT is a link to the instance that has it.

claim() { # INSTANCE PORT…: takes host ports, which whoever calls it syncs; a claim whose instance is gone is void, and one at a time takes it over
	owner=$1
	shift
	for port; do
		ln -sT "../instances/$owner" "ports/$port" 2>/dev/null && continue # -T: not into the owner's directory
		exec 5<ports
		flock 5
		[ -d "ports/$port" ] || ln -sfT "../instances/$owner" "ports/$port"
		exec 5<&-
		[ "ports/$port" -ef "instances/$owner" ] && continue
		said=$(readlink "ports/$port")
		case $said in
		'') fail $FAILED "cannot claim port $port" ;;
		../instances/*) fail $PORT "port $port belongs to instance ${said##*/}" ;;
		*) fail $PORT "ports/$port $STRANGE" ;;
		esac
	done
}

release() { # INSTANCE PORT…
	owner=$1
	shift
	for port; do
		[ ! "ports/$port" -ef "instances/$owner" ] || rm -f "ports/$port"
	done
	sync ports
}
