// The folder of a fleet, and what is in it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files and folders of a hub. */
export interface FleetFiles {
  readonly folder: string
  readonly engine: string
  readonly blobs: string
  readonly logs: string
  readonly certificates: string
  /** Of hub and engine, with the CA's after it if another has signed it. */
  readonly certificate: string
  readonly key: string
  readonly demo: string
}

/** The paths in a folder. */
export function fleetFiles(folder: string): FleetFiles {
  const certificates = join(folder, 'certs')
  return {
    folder,
    engine: join(folder, 'engine'),
    blobs: join(folder, 'blobs'),
    logs: join(folder, 'logs'),
    certificates,
    certificate: join(certificates, 'fleet.cert'),
    key: join(certificates, 'fleet.key'),
    demo: join(folder, 'demo'),
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The CA certificate that printers trust: the last one in the file of the certificate; null without one. */
export function caOf({ certificate, key }: FleetFiles): string | null {
  if (!existsSync(certificate) || !existsSync(key)) return null
  const last = readFileSync(certificate, 'utf8').match(CERTIFICATE)?.at(-1)
  return last === undefined ? null : `${last}\n`
}
