#!/bin/sh
# Runs the tests of GPIO pins against the kernel's own module gpio-sim, in user-mode Linux: a kernel that is an ordinary
# program. Builds that kernel at the first run, in ten minutes or so. Needs root, and on Debian the packages
# linux-source-6.1, build-essential, flex, bison and bc. Usage: scripts/test-gpio.sh [FOLDER], where FOLDER keeps the
# kernel, by default ~/.cache/moonraker-ts.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$HOME/.cache/moonraker-ts}
source=$(ls /usr/src/linux-source-6.*.tar.xz 2>/dev/null | tail -n 1) || true
kernel=$folder/linux-gpio-sim

build() {
  [ -n "$source" ] || { echo 'install the package linux-source-6.1' >&2; exit 1; }
  mkdir -p "$folder/linux"
  tar -x --strip-components=1 -C "$folder/linux" -f "$source"
  cd "$folder/linux"
  # User-mode Linux has no spare interrupt numbers for the edges of the lines.
  sed -i 's/^#define NR_IRQS.*/#define NR_IRQS 256/' arch/um/include/asm/irq.h
  make -s ARCH=um defconfig
  ./scripts/config -e HOSTFS -e CONFIGFS_FS -e DEVTMPFS -e GPIOLIB -e GPIO_CDEV -e GPIO_SIM -d MODULES
  make -s ARCH=um olddefconfig
  make -s ARCH=um -j"$(nproc)" linux
  cp linux "$kernel"
  rm -rf "$folder/linux"
}

[ -x "$kernel" ] || (build)

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
cat > "$results/init" <<EOF
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t configfs config /sys/kernel/config
mount -t hostfs -o $results results /mnt
mount -t tmpfs tmp /tmp
ip link set lo up
export PATH=$root/node_modules/.bin:$PATH HOME=/tmp
cd $root
timeout 120 node --test test/core/gpio/gpio-sim.test.ts > /mnt/output 2>&1
echo \$? > /mnt/code
echo o > /proc/sysrq-trigger
sleep 60
EOF
chmod +x "$results/init"
# The whole file system of the host is the root, read-only.
TMPDIR=/dev/shm timeout 300 "$kernel" mem=1G root=/dev/root rootfstype=hostfs rootflags=/ ro \
  init="$results/init" con=null > "$results/boot" 2>&1 < /dev/null || true
cat "$results/output" 2>/dev/null || cat "$results/boot"
exit "$(cat "$results/code" 2>/dev/null || echo 1)"
