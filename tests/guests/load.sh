#!/bin/bash
# A load on a disk and a network that checks itself, until a line is typed.
# load.sh PORT SIZE SHA256: whoever connects to the host's PORT is sent SIZE bytes of that checksum.
port=$1 size=$2 sum=$3
folder=/root/load
mkdir -p "$folder"
: >"$folder/fetched"
echo 4 >/proc/sys/vm/drop_caches # the kernel says nothing more of it

wrong() { echo "LOAD-WRONG $*"; }

# Writes a file, and reads it back from the disk itself.
use_disk() {
    local round=0
    until [ -e /run/enough ]; do
        head -c $((RANDOM * 64 + 1)) /dev/urandom >"$folder/$1.new" || wrong "disk $1 cannot be written"
        local before=$(sha256sum <"$folder/$1.new")
        sync "$folder/$1.new" && mv "$folder/$1.new" "$folder/$1"
        echo 3 >/proc/sys/vm/drop_caches
        [ "$(sha256sum <"$folder/$1")" = "$before" ] || wrong "disk $1 has other bytes than were written"
        echo "LOAD disk $1 $((++round))"
    done
}

# Fetches a file. A connection ends where the machine moves: what came until then says nothing.
use_network() {
    local round=0
    until [ -e /run/enough ]; do
        timeout 5 bash -c "cat </dev/tcp/10.0.2.2/$port >$folder/fetched" 2>/dev/null
        [ "$(stat -c %s "$folder/fetched")" = "$size" ] || continue
        [ "$(sha256sum <"$folder/fetched")" = "$sum  -" ] || wrong "the network gave other bytes"
        echo "LOAD network $((++round))"
    done
}

use_disk 1 &
use_disk 2 &
use_network &
read -r line
: >/run/enough
wait
echo "LOAD-DONE"
