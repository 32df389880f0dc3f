#!/bin/sh
# Lets the server manage services and power by a rule of polkit. KIAUH runs it, and takes output on stderr for a failure.
# Options: --clear removes the rule; --disable-systemctl does not restart the server afterwards.
exec 2>&1
set -eu

CLEAR=no
RESTART=yes
for option in "$@"; do
  case "$option" in
    -c | --clear) CLEAR=yes ;;
    -z | --disable-systemctl) RESTART=no ;;
    *) echo "unknown option $option: --clear and --disable-systemctl are known"; exit 1 ;;
  esac
done

# The places in which KIAUH and Moonraker look for the rule; at most one of them is in use.
SYSTEM_RULES=/usr/share/polkit-1/rules.d
LOCAL_RULES=/etc/polkit-1/rules.d
if [ "$CLEAR" = yes ]; then
  sudo rm -f "$SYSTEM_RULES/moonraker.rules" "$LOCAL_RULES/moonraker.rules" \
    /etc/polkit-1/localauthority/50-local.d/10-moonraker.pkla
  exit 0
fi

if [ -d "$SYSTEM_RULES" ]; then
  folder=$SYSTEM_RULES
elif [ -d "$LOCAL_RULES" ]; then
  folder=$LOCAL_RULES
else
  echo "neither $SYSTEM_RULES nor $LOCAL_RULES exists: install polkit 0.106 or later"
  exit 1
fi
sudo groupadd -f moonraker-admin
sudo usermod -aG moonraker-admin "$(id -un)"
sudo install -m 644 "$(dirname "$0")/../packaging/polkit/moonraker-ts.rules" "$folder/moonraker.rules"
if [ "$RESTART" = yes ]; then sudo systemctl restart moonraker; fi
