// The moonraker.conf of a new data folder.
import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFoldersSync } from '../core/make-folders.ts'
import { replaceFile } from './atomic-file.ts'

/** Values that differ between new installations. */
export interface DefaultConfig {
  /** Address to listen on; every IPv4 address of the host if left out. */
  readonly host?: string
  readonly port?: number
  /** Klipper's API socket, in the form of the option. */
  readonly klippyAddress?: string
}

/** The text of a new moonraker.conf, which grants access to this host and to private networks. */
export function defaultConfig(values: DefaultConfig = {}): string {
  const { host = '0.0.0.0', port = 7125, klippyAddress = '{data_path}/comms/klippy.sock' } = values
  return `# The server's configuration. Restart the server after a change.
# Lines that start with # are comments.

[server]
host: ${host}
port: ${port}
# Klipper's API socket (the option -a of its service).
klippy_uds_address: ${klippyAddress}
# Largest upload, in MiB.
max_upload_size: 1024

[authorization]
# Clients that may use this server without a login: this host and private networks.
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
# Web pages of other sites that may use this server.
cors_domains:
    *://my.mainsail.xyz
    *://app.fluidd.xyz
    *://*.local
    *://localhost
    *://localhost:*

[file_manager]
# Prepares uploaded G-code so that single objects can be cancelled during a print.
enable_object_processing: False

[announcements]
# The server fetches news of Klipper and Moonraker from https://arksine.github.io every half hour, and sends no data of
# this printer. False: it fetches nothing.
enable_moonlight: True
# News of further projects, one per line.
# subscriptions:
#     mainsail

[octoprint_compat]
# Slicers that support OctoPrint but not Moonraker can upload files.
`
}

/**
 * Writes a new moonraker.conf to `file` and creates its folder, unless the file exists. Returns whether it was written.
 * Throws errors of the file system.
 */
export function writeDefaultConfig(file: string, values: DefaultConfig = {}): boolean {
  // A link counts even if its target is missing: it may be on a drive that is not mounted yet.
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) return false
  makeFoldersSync(dirname(file))
  replaceFile(file, defaultConfig(values), 0o644)
  return true
}
