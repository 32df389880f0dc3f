// The configuration of the engine that a hub runs: nats.conf, in a form that version 2.9.10 and later ones read.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../../config/atomic-file.ts'
import { makeFoldersSync } from '../../../core/make-folders.ts'
import type { EngineKeys } from './keys.ts'
import { accountToken, operatorToken, type Revocations, systemToken } from './tokens.ts'

/** Where an engine keeps its files, and where it listens. */
export interface EngineFiles {
  /** The engine's own folder. */
  readonly folder: string
  /** With certificate and key the engine listens on all addresses, with TLS; else on loopback only, without. */
  readonly certificate: string
  readonly key: string
  readonly port: number
}

/** Bytes that the engine may use, in memory and on the disk. */
const MAX_MEMORY = 256 * 1024 ** 2
const MAX_DISK = 20 * 1024 ** 3

/** Whether there are the certificate and its key. */
export function hasCertificate({ certificate, key }: Pick<EngineFiles, 'certificate' | 'key'>): boolean {
  return existsSync(certificate) && existsSync(key)
}

/** The file nats.conf in the engine's folder. */
export function configFile({ folder }: Pick<EngineFiles, 'folder'>): string {
  return join(folder, 'nats.conf')
}

/** The file with the id of the engine's process. */
export function pidFile({ folder }: Pick<EngineFiles, 'folder'>): string {
  return join(folder, 'nats-server.pid')
}

/** Writes nats.conf. Throws errors of the file system. */
export async function writeConfig(
  files: EngineFiles,
  keys: EngineKeys,
  revocations: Revocations,
): Promise<void> {
  makeFoldersSync(files.folder, 0o700)
  const operator = await createdOnce(files, 'operator.jwt', () => operatorToken(keys))
  const system = await createdOnce(files, 'system.jwt', () => systemToken(keys))
  const account = await accountToken(keys, revocations)
  const isSecure = hasCertificate(files)
  const tls = [
    'tls {',
    `  cert_file: ${quoted(files.certificate)}`,
    `  key_file: ${quoted(files.key)}`,
    '  timeout: 5',
    '}',
  ]
  const lines = [
    '# Written by moonraker-ts at each start, and when a printer is removed.',
    `listen: "${isSecure ? '0.0.0.0' : '127.0.0.1'}:${files.port}"`,
    'server_name: moonraker-ts',
    `pid_file: ${quoted(pidFile(files))}`,
    'max_payload: 1048576',
    // Each printer connects once; the broker of 10,000 needs as many files.
    'max_connections: 65536',
    ...(isSecure ? tls : []),
    // After an interruption all printers connect at the same time.
    'authorization { timeout: 10 }',
    'jetstream {',
    `  store_dir: ${quoted(join(files.folder, 'jetstream'))}`,
    `  max_memory_store: ${MAX_MEMORY}`,
    `  max_file_store: ${MAX_DISK}`,
    '}',
    `operator: ${operator}`,
    `system_account: ${keys.system.getPublicKey()}`,
    'resolver: MEMORY',
    'resolver_preload {',
    `  ${keys.system.getPublicKey()}: ${system}`,
    `  ${keys.account.getPublicKey()}: ${account}`,
    '}',
  ]
  replaceFile(configFile(files), `${lines.join('\n')}\n`, 0o600)
}

/** A token that must stay the same: a running engine accepts no configuration with another. */
async function createdOnce(
  { folder }: EngineFiles,
  name: string,
  create: () => Promise<string>,
): Promise<string> {
  const file = join(folder, name)
  if (!existsSync(file)) replaceFile(file, await create(), 0o600)
  return readFileSync(file, 'utf8')
}

/** A path as the file's format writes it. */
function quoted(path: string): string {
  return JSON.stringify(path)
}
