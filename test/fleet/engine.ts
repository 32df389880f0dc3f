// An engine for tests: nats-server in operator mode, with one account for the fleet and credentials by the template.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { jetstreamManager } from '@nats-io/jetstream'
import { encodeAccount, encodeOperator, encodeUser, newScopedSigner } from '@nats-io/jwt'
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { authenticator } from '../../src/components/fleet/engine/authenticator.ts'
import {
  EVENTS_STREAM,
  eventSchema,
  type FleetEvent,
  PRINTER_KEY_ROLE,
  PRINTER_PERMISSIONS,
} from '../../src/fleet/contract/index.ts'
import { keyPairOf } from '../../src/fleet/hub/engine/key-pair.ts'
import { ensureLayout } from '../../src/fleet/hub/store/layout.ts'
import { freePort } from '../support/free-port.ts'
import { killProcess } from '../support/kill-process.ts'
import { absent, programPath } from '../support/program.ts'
import { seedOf } from './seed.ts'

const PROGRAM = programPath('nats-server') ?? ''

/** Why tests with an engine do not run here; false if they do. */
export const skip = absent('nats-server')

/** A certificate that is its own authority, and its key, in PEM. */
interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

interface Keys {
  readonly account: KeyPair
  /** Signs the credentials of printers. */
  readonly printers: KeyPair
}

export class Engine implements AsyncDisposable {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'engine-'))
  readonly #keys: Keys
  #process: ChildProcess | null = null
  #tls: TlsFiles | null = null

  private constructor(port: number, keys: Keys) {
    this.port = port
    this.#keys = keys
  }

  /** Starts it with all buckets and the stream of events; with `tls`, by that certificate. */
  static async start({ tls = null }: { tls?: TlsFiles | null } = {}): Promise<Engine> {
    const engine = new Engine(await freePort(), {
      account: signing(createAccount()),
      printers: signing(createAccount()),
    })
    await engine.#configure(tls)
    await engine.run()
    await engine.createBuckets()
    return engine
  }

  get url(): string {
    return `${this.#tls === null ? 'nats' : 'tls'}://127.0.0.1:${this.port}`
  }

  async #configure(tls: TlsFiles | null): Promise<void> {
    const operator = signing(createOperator())
    const system = signing(createAccount())
    const { account, printers } = this.#keys
    const systemJwt = await encodeAccount('SYS', system, {}, { signer: operator })
    const scoped = newScopedSigner(printers, PRINTER_KEY_ROLE, structuredClone(PRINTER_PERMISSIONS) as never)
    const limits = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1, conn: -1, subs: -1 }
    const fleetJwt = await encodeAccount(
      'FLEET',
      account,
      {
        limits: { ...limits, data: -1, payload: -1, imports: -1, exports: -1, leaf: -1 },
        signing_keys: [scoped],
      },
      { signer: operator },
    )
    const operatorJwt = await encodeOperator('fleet', operator, { system_account: system.getPublicKey() })
    const lines = [
      `listen: 127.0.0.1:${this.port}`,
      'server_name: rig',
      `jetstream { store_dir: "${this.#folder}" }`,
      `operator: ${operatorJwt}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload { ${system.getPublicKey()}: ${systemJwt}, ${account.getPublicKey()}: ${fleetJwt} }`,
    ]
    this.#tls = tls
    if (tls !== null) {
      const [cert, key] = ['cert.pem', 'key.pem'].map(name => join(this.#folder, name)) as [string, string]
      writeFileSync(cert, tls.certificate)
      writeFileSync(key, tls.key)
      lines.push(`tls { cert_file: "${cert}", key_file: "${key}" }`)
    }
    writeFileSync(join(this.#folder, 'nats.conf'), lines.join('\n'))
  }

  /** Resolves when it accepts connections. */
  async run(): Promise<void> {
    const child = spawn(PROGRAM, ['-c', join(this.#folder, 'nats.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.includes('Server is ready')) break
      lines.push(line)
    }
    if (child.exitCode !== null) throw new Error(lines.join('\n'))
    child.stderr.resume()
  }

  /** Creates what is missing of the buckets and the stream of events, as a hub does. */
  async createBuckets(): Promise<void> {
    await using hub = await this.hub()
    await ensureLayout(hub.connection)
  }

  /** Deletes the slots and starts again, as if older data were restored. */
  async forgetSlots(): Promise<void> {
    await using hub = await this.hub()
    await (await jetstreamManager(hub.connection)).streams.delete('KV_fleet_slots')
    await this.createBuckets()
  }

  /** All events that were stored, in order. */
  async events(): Promise<FleetEvent[]> {
    await using hub = await this.hub()
    const { streams } = await jetstreamManager(hub.connection)
    const { state } = await streams.info(EVENTS_STREAM.name)
    const stream = await streams.get(EVENTS_STREAM.name)
    const events: FleetEvent[] = []
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = await stream.getMessage({ seq })
      events.push(eventSchema.read(message?.json(), 'event'))
    }
    return events
  }

  /** A credential for the printer `id`, whose key has the public key `nkey`. */
  async credential(id: string, nkey: string): Promise<string> {
    const { account, printers } = this.#keys
    return await encodeUser(
      id,
      nkey,
      printers,
      { issuer_account: account.getPublicKey() },
      { scopedUser: true },
    )
  }

  /** A connection of the printer `id`, by a key of its own. */
  async printer(id: string): Promise<Peer> {
    const key = createUser()
    const jwt = await this.credential(id, key.getPublicKey())
    return new Peer(await this.#connect(jwt, key, `_INBOX.${id}`))
  }

  /** A connection that may do everything in the account. */
  async hub(): Promise<Peer> {
    const key = createUser()
    const jwt = await encodeUser('hub', key, this.#keys.account, {})
    return new Peer(await this.#connect(jwt, key))
  }

  #connect(jwt: string, key: KeyPair, inboxPrefix?: string): Promise<NatsConnection> {
    const tls = { ca: this.#tls?.certificate ?? '', checkServerIdentity: () => undefined }
    return connect({
      servers: this.url,
      authenticator: authenticator({ jwt, seed: seedOf(key) }),
      ...(inboxPrefix !== undefined && { inboxPrefix }),
      reconnect: false,
      ...(this.#tls !== null && { tls }),
    })
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    await killProcess(child)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** `key`, whose signatures are quick. */
function signing(key: KeyPair): KeyPair {
  return keyPairOf(seedOf(key))
}

/** A connection; `await using` closes it. */
export class Peer implements AsyncDisposable {
  readonly connection: NatsConnection

  constructor(connection: NatsConnection) {
    this.connection = connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close()
  }
}
