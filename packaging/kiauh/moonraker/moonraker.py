# The program that KIAUH's services start. It replaces itself by moonraker-ts, which Node runs; where that is impossible,
# by the Moonraker that KIAUH has backed up. Needs Python 3.7 or later, and no packages.
import base64
import fcntl
import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = REPOSITORY / "dist" / "moonraker.cjs"
BACKUPS = Path.home() / "kiauh_backups" / "moonraker"
GUIDE = "'With KIAUH' in docs/install.md of moonraker-ts"

OLDEST_NODE = (22, 16)
# Of the Debian package moonraker-ts-node, and of Node's own archives. Then comes the PATH.
DEBIAN = "/usr/lib/moonraker-ts"
NODE_PLACES = [DEBIAN + "/bin/node", "/usr/local/bin/node"]
# Node and koffi for machines that have neither, with their checksums, and the registry of npm that has them.
PACKAGES = REPOSITORY / "scripts" / "node-packages.json"
MODULES = REPOSITORY / "node_modules"
DOWNLOAD_SECONDS = 900
MAX_DOWNLOAD = 200 * 1024**2
# Headers and manuals.
UNUSED = ("package/include/", "package/share/")
# Without any server: seconds until this program ends, and systemd starts it again (tests set fewer); and between two looks
# for Node.
WAIT_SECONDS = int(os.environ.get("MOONRAKER_TS_WAIT", "300"))
LOOK_SECONDS = 5
# EX_CONFIG of sysexits.h
NOT_CONFIGURED = 78


def log(text):
    print("moonraker-ts: " + text, file=sys.stderr, flush=True)


def run(command, seconds):
    """The output of a command; None if it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        return log(str(error))
    text = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        return log("%s failed: %s" % (command[0], text[-500:]))
    return text


def has_whole_program():
    """Whether the files are those of the build: a power cut during an update may leave a part of them."""
    try:
        lines = (PROGRAM.parent / "SHA256SUMS").read_text().splitlines()
        pairs = [line.split("  ", 1) for line in lines]
        return len(pairs) > 0 and all(
            hashlib.sha256((PROGRAM.parent / name).read_bytes()).hexdigest() == digest for digest, name in pairs
        )
    except (OSError, ValueError):
        return False


def restore_program():
    log("files of the program are damaged: restoring them from the repository")
    shutil.rmtree(str(PROGRAM.parent), ignore_errors=True)
    return run(["git", "-C", str(REPOSITORY), "checkout", "HEAD", "--", "dist"], 60) is not None and has_whole_program()


def is_usable(node):
    if not os.access(node, os.X_OK):
        return False
    found = re.match(r"v(\d+)\.(\d+)\.", run([node, "--version"], 30) or "")
    return found is not None and (int(found.group(1)), int(found.group(2))) >= OLDEST_NODE


def find_node():
    """A Node of the machine; MOONRAKER_TS_NODE names the only one that may be used."""
    chosen = os.environ.get("MOONRAKER_TS_NODE")
    places = [chosen] if chosen else NODE_PLACES + [shutil.which("node") or ""]
    return next((place for place in places if is_usable(place)), None)


def installed_node():
    """Node of npm's registry, in the version of the repository, or the earlier one where that cannot be installed."""
    machine = platform.machine() if sys.maxsize > 2**32 else "32 bits"
    known = json.loads(PACKAGES.read_text())
    registry = os.environ.get("npm_config_registry", known["registry"]).rstrip("/")
    wanted = known["machines"].get(machine, [])
    if not wanted:
        return log("the repository has no Node for this machine (%s)" % machine)
    node = str(MODULES / wanted[0]["name"] / "bin" / "node")
    missing = [each for each in wanted if not is_installed(each)] if is_usable(node) else wanted
    try:
        for each in missing:
            install(each, registry)
    except (OSError, http.client.HTTPException, tarfile.TarError) as error:
        log("Node cannot be installed: %s" % error)
    return node if is_usable(node) else None


def is_installed(package):
    try:
        manifest = json.loads((MODULES / package["name"] / "package.json").read_text())
        return manifest["version"] == package["version"]
    except (OSError, ValueError, KeyError):
        return False


def install(package, registry):
    """Installs a package as npm does. Its checksum is that of the lock file with which the server was built and tested."""
    name, version = package["name"], package["version"]
    target, temporary = MODULES / name, MODULES / ".incoming"
    log("installing %s %s into %s" % (name, version, MODULES))
    shutil.rmtree(str(temporary), ignore_errors=True)
    temporary.mkdir(parents=True)
    archive = temporary / "archive.tgz"
    download("%s/%s/-/%s-%s.tgz" % (registry, name, name.split("/")[-1], version), package["integrity"], archive)
    with tarfile.open(str(archive)) as tar:
        # Python before 3.12 has no filters.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        for member in tar:
            if member.isfile() and not member.name.startswith(UNUSED):
                tar.extract(member, str(temporary))
    # After a power cut the package is there in full or not at all.
    os.sync()
    shutil.rmtree(str(target), ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    (temporary / "package").rename(target)
    shutil.rmtree(str(temporary))


def download(url, integrity, file):
    end = time.monotonic() + DOWNLOAD_SECONDS
    digest = hashlib.sha512()
    size = 0
    with urllib.request.urlopen(url, timeout=20) as response, file.open("wb") as output:
        for chunk in iter(lambda: response.read(65536), b""):
            size += len(chunk)
            if time.monotonic() > end or size > MAX_DOWNLOAD:
                raise OSError("%s takes longer than %d s, or is too large" % (url, DOWNLOAD_SECONDS))
            digest.update(chunk)
            output.write(chunk)
    if "sha512-" + base64.b64encode(digest.digest()).decode() != integrity:
        raise OSError("%s is not the file that this version was tested with" % url)


def find_moonraker():
    """The newest backup of the original server with its environment: a command."""
    for folder in sorted(BACKUPS.glob("moonraker_*"), reverse=True):
        script = folder / "moonraker" / "moonraker.py"
        python = BACKUPS / folder.name.replace("moonraker_", "moonraker-env_", 1) / "bin" / "python"
        # Backups of this repository have this program only.
        if (script.parent / "server.py").is_file() and script.is_file() and os.access(str(python), os.X_OK):
            return [str(python), str(script)]
    return None


def prepare():
    """Restores and installs what is missing. Returns whether the program is whole, and Node or None."""
    # Several services share the repository. The lock ends with the file, at the latest with this process.
    lock = os.open(str(REPOSITORY), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_whole = has_whole_program() or restore_program()
        return is_whole, (find_node() or installed_node()) if is_whole else None
    finally:
        os.close(lock)


def replace_by(command):
    # exec keeps the process, its open files and its environment: systemd notices no difference.
    os.execv(command[0], command + sys.argv[1:])


def run_server(node):
    os.environ.setdefault("NODE_PATH", DEBIAN + "/node_modules")
    replace_by([node, str(PROGRAM)])


def main():
    is_whole, node = prepare()
    if node is not None:
        run_server(node)
    missing = "there is no Node %d.%d or later" % OLDEST_NODE if is_whole else "the program is damaged"
    original = find_moonraker()
    if original is not None:
        log("%s: starting the backup of Moonraker, %s. See %s" % (missing, original[1], GUIDE))
        replace_by(original)
    log("%s, and no backup of Moonraker in %s: nothing can be started. See %s" % (missing, BACKUPS, GUIDE))
    # systemd starts this program again after each exit, whatever its code.
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        node = find_node() if is_whole else None
        if node is not None:
            run_server(node)
    sys.exit(NOT_CONFIGURED)


main()
