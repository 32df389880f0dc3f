#!/bin/sh
# The command moonraker-ts: runs the program with the Node of the package moonraker-ts-node, or else with the system's.
set -e

home=/usr/lib/moonraker-ts
node=$home/bin/node
[ -x "$node" ] || node=node

# postinst keeps a folder for each version, so that an upgrade takes no file away from a server that runs.
program=$(readlink -e "$home/current") || program=$home/dist

# Where Node keeps compiled code: never in /usr, and for root never in a folder of another user.
if [ "$(id -u)" -eq 0 ]; then
  : "${NODE_COMPILE_CACHE:=/var/cache/moonraker-ts}"
elif [ -n "$HOME" ]; then
  : "${NODE_COMPILE_CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/moonraker-ts}"
fi
[ -z "$NODE_COMPILE_CACHE" ] || export NODE_COMPILE_CACHE

exec "$node" "$program/moonraker.cjs" "$@"
