# Finishes what a shell that died had begun to do to an instance: whoever locks it
# does. $1 its directory.
lock "$1"
