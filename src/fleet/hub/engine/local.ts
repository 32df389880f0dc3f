// The engine that the hub runs itself: keys, configuration, process, and who may no longer connect.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../../config/atomic-file.ts'
import type { Clock } from '../../../core/clock.ts'
import { messageOf, StartError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { SerialQueue } from '../../../core/serial-queue.ts'
import { EngineChild, findEngine } from './child.ts'
import { configFile, type EngineFiles, hasCertificate, pidFile, writeConfig } from './config.ts'
import { ensureHubCredentials } from './credentials.ts'
import { type EngineKeys, ensureKeys } from './keys.ts'
import { stopStale } from './stale.ts'
import type { PrinterSigner, Revocations } from './tokens.ts'

/** What the engine is started from. */
export interface LocalEngineOptions extends EngineFiles {
  readonly clock: Clock
  readonly log: Log
}

export class LocalEngine {
  readonly #options: LocalEngineOptions
  readonly #keys: EngineKeys
  readonly #child: EngineChild
  readonly #writes = new SerialQueue()
  #revocations: Revocations
  /** The file with the credentials of hubs. */
  readonly credentials: string

  private constructor(
    options: LocalEngineOptions,
    parts: { keys: EngineKeys; child: EngineChild; credentials: string; revocations: Revocations },
  ) {
    this.#options = options
    this.#keys = parts.keys
    this.#child = parts.child
    this.#revocations = parts.revocations
    this.credentials = parts.credentials
  }

  /** Starts the engine. Rejects with StartError where nats-server is missing or the folder cannot be written. */
  static async start(options: LocalEngineOptions): Promise<LocalEngine> {
    const { folder, clock, log } = options
    const program = await findEngine()
    const keys = ensureKeys(folder)
    const config = configFile(options)
    await stopStale(pidFile(options), config, clock)
    try {
      const revocations = readRevocations(folder)
      const credentials = await ensureHubCredentials(folder, keys)
      await writeConfig(options, keys, revocations)
      const child = new EngineChild({ program, configFile: config, clock, log: log.child('engine') })
      child.start()
      return new LocalEngine(options, { keys, child, credentials, revocations })
    } catch (error) {
      throw new StartError(`the engine cannot be started from ${folder}: ${messageOf(error)}`)
    }
  }

  /** Where the hub itself connects to. */
  get address(): string {
    return `${this.isSecure ? 'tls' : 'nats'}://127.0.0.1:${this.#options.port}`
  }

  /** Whether the engine has a certificate, and with it listens on all addresses. */
  get isSecure(): boolean {
    return hasCertificate(this.#options)
  }

  /** The id of its process; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Signs the credentials of printers. */
  get signer(): PrinterSigner {
    return { key: this.#keys.printerSigner, account: this.#keys.account.getPublicKey() }
  }

  /** Refuses the credentials in `revocations`, and ends their connections. Rejects with errors of the file system. */
  revoke(revocations: Revocations): Promise<void> {
    return this.#writes.run(async () => {
      if (JSON.stringify(revocations) === JSON.stringify(this.#revocations)) return
      replaceFile(revocationsFile(this.#options.folder), JSON.stringify(revocations), 0o600)
      await writeConfig(this.#options, this.#keys, revocations)
      this.#revocations = revocations
      this.#child.reload()
    })
  }

  /** Stops the engine, and waits for its end. */
  stop(): Promise<void> {
    return this.#child.stop()
  }
}

/** A copy of what the buckets have: the engine needs it before there is a connection to it. */
function revocationsFile(folder: string): string {
  return join(folder, 'revocations.json')
}

function readRevocations(folder: string): Revocations {
  const file = revocationsFile(folder)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Revocations) : {}
}
