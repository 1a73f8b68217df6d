# Removes an engine whose owner died without stopping it.
# Arguments: the engine's namespace and folder. Standard input: ends when the owner does, whatever it died of.
# Runs in the engine's network namespace, where whoever stops another engine does not meet it.
trap '' INT TERM HUP
name=$1
dir=$2
if read -r _; then
    exit 0 # The owner has stopped the engine itself.
fi

inside() {
    ip netns pids "$name" | grep -vx "$$"
}

# The daemon ends its containers in order.
pid=$(cat "$dir/pid" 2>/dev/null)
if [ -n "$pid" ] && inside | grep -qx "$pid"; then
    kill -TERM "$pid"
    tries=0
    while [ "$tries" -lt 150 ] && inside | grep -qx "$pid"; do
        sleep 0.1
        tries=$((tries + 1))
    done
fi

# What is left does not end by itself: a container is a child of its shim, in a namespace of its own.
tries=0
while [ "$tries" -lt 50 ]; do
    left=$(inside)
    [ -n "$left" ] || break
    for pid in $left; do
        # The listing's own helpers are gone by now, which is no error.
        kill -KILL $(cat "/proc/$pid/task"/*/children 2>/dev/null) "$pid" 2>/dev/null
    done
    sleep 0.1
    tries=$((tries + 1))
done

# Containers that outlived a killed daemon, known by their root file system.
own=$(readlink /proc/self/ns/mnt)
for process in /proc/[0-9]*; do
    namespace=$(readlink "$process/ns/mnt") || continue
    [ "$namespace" != "$own" ] || continue
    # One that is being made still sees the mounts of other engines; its environment names its own.
    if awk '$5 == "/"' "$process/mountinfo" 2>/dev/null | grep -qF "$dir/" ||
        grep -qaF "_LIBCONTAINER_STATEDIR=$dir/" "$process/environ" 2>/dev/null; then
        kill -KILL "${process#/proc/}" 2>/dev/null
    fi
done

awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r point; do
    umount -l "$point"
done
ip netns del "$name"
rm -rf "$dir"
