// The moonraker.conf of a new data folder.
import { lstatSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { replaceFile } from './atomic-file.ts'

/** What differs between new installations. */
export interface DefaultConfig {
  /** Address to listen on; every IPv4 address of the host unless given. */
  readonly host?: string
  readonly port?: number
  /** Klipper's API socket, as the option is written. */
  readonly klippyAddress?: string
}

/** The text of a first moonraker.conf: usable at once from this host and from private networks. */
export function defaultConfig(values: DefaultConfig = {}): string {
  const { host = '0.0.0.0', port = 7125, klippyAddress = '{data_path}/comms/klippy.sock' } = values
  return `# The server's configuration. Restart the server after a change.
# Lines that begin with # are comments.

[server]
host: ${host}
port: ${port}
# The socket that Klipper is started with (its option -a).
klippy_uds_address: ${klippyAddress}
# Largest upload, in MiB.
max_upload_size: 1024

[authorization]
# Who may use this server without logging in: this host and private networks.
# Do not add public addresses: everyone there could move the printer.
trusted_clients:
    127.0.0.0/8
    ::1/128
    10.0.0.0/8
    172.16.0.0/12
    192.168.0.0/16
    169.254.0.0/16
    fe80::/10
    fc00::/7
# Web pages from elsewhere that may talk to this server.
cors_domains:
    *://my.mainsail.xyz
    *://app.fluidd.xyz
    *://*.local
    *://localhost
    *://localhost:*

[file_manager]
# Prepares uploaded G-code so that single objects can be cancelled while printing.
enable_object_processing: False

[announcements]
# News of Klipper and Moonraker is looked for at https://arksine.github.io every half hour. Nothing of this printer is
# told there. False: nobody is asked.
enable_moonlight: True
# News of further projects, one a line.
# subscriptions:
#     mainsail

[octoprint_compat]
# Slicers that know OctoPrint but not Moonraker can send files.
`
}

/**
 * Writes a first moonraker.conf to `file`, with its folder, unless something is there already.
 * Returns whether it was written. Throws what the file system throws.
 */
export function writeDefaultConfig(file: string, values: DefaultConfig = {}): boolean {
  // A link counts even if it leads nowhere: its target may be a drive that is not mounted yet.
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) return false
  mkdirSync(path.dirname(file), { recursive: true })
  replaceFile(file, defaultConfig(values), 0o644)
  return true
}
