// A whole fleet for tests: an engine, hubs on it, and simulated printers, all on loopback and in a folder of their own.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createUser } from '@nats-io/nkeys'
import type { NatsConnection } from '@nats-io/transport-node'
import { authenticator } from '../../../src/components/fleet/engine/authenticator.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Log } from '../../../src/core/log.ts'
import { connectEngine } from '../../../src/fleet/hub/engine/link.ts'
import { LocalEngine } from '../../../src/fleet/hub/engine/local.ts'
import { printerToken } from '../../../src/fleet/hub/engine/tokens.ts'
import { type Hub, type HubOptions, startHub } from '../../../src/fleet/hub/hub.ts'
import { checkReply } from '../../support/check-reply.ts'
import { freePort } from '../../support/free-port.ts'
import { seedOf } from '../seed.ts'
import { SimulatedPrinter, type SimulatedPrinterOptions } from './simulated-printer.ts'

/** A file that every blob folder of the rig can have. */
export const GCODE = 'G28\nG1 X10\n'

/** Whatever the API answers. */
type Json = ReturnType<typeof JSON.parse>

/** A reply of the API: its status, and the result or the error. */
export interface Reply {
  readonly status: number
  readonly result: Json
  readonly error: Json
}

/** A hub with an admin who is logged in. */
export interface RigHub extends Hub {
  /** Calls the API as the admin: `GET`, or POST with a body. Resolves with status and result, or error. */
  call(path: string, body?: object, verb?: string): Promise<Reply>
  readonly token: string
}

export class FleetRig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  readonly log: string[] = []
  readonly hubs: RigHub[] = []
  readonly printers: SimulatedPrinter[] = []
  readonly #log = new Log({
    clock: systemClock,
    file: null,
    structured: false,
    level: 'debug',
    console: line => this.log.push(line),
  })
  readonly #connections: NatsConnection[] = []
  engine!: LocalEngine
  #password = ''
  #port = 0

  static async start(hubs = 1, options: Partial<HubOptions> = {}): Promise<FleetRig> {
    const rig = new FleetRig()
    rig.#port = await freePort()
    try {
      await rig.startEngine()
      for (let count = 0; count < hubs; count += 1) await rig.addHub(options)
      return rig
    } catch (error) {
      await rig[Symbol.asyncDispose]()
      throw new Error(`${rig.log.join('\n')}`, { cause: error })
    }
  }

  async startEngine(): Promise<void> {
    this.engine = await LocalEngine.start({
      folder: join(this.folder, 'engine'),
      certificate: join(this.folder, 'none'),
      key: join(this.folder, 'none'),
      port: this.#port,
      clock: systemClock,
      log: this.#log,
    })
  }

  /** Starts a further hub; the first one has the engine. `onConnected` runs between its connection and its start. */
  async addHub(options: Partial<HubOptions> = {}, onConnected = () => {}): Promise<RigHub> {
    const connection = await connectEngine({
      servers: [this.engine.address],
      credentials: this.engine.credentials,
      name: `hub ${this.hubs.length}`,
      clock: systemClock,
      log: this.#log,
    })
    this.#connections.push(connection)
    onConnected()
    const hub = await startHub({
      connection,
      engine: this.hubs.length === 0 ? this.engine : null,
      blobs: join(this.folder, 'blobs'),
      maxFilesBytes: 1e9,
      host: '127.0.0.1',
      port: 0,
      tlsPort: 0,
      certificate: join(this.folder, 'none'),
      key: join(this.folder, 'none'),
      ca: null,
      hubUrl: null,
      engineUrls: [this.engine.address],
      proxies: [],
      clock: systemClock,
      log: this.#log,
      observe: checkReply,
      ...options,
    })
    if (hub.firstUser !== null) this.#password = hub.firstUser.password
    const token = await logIn(hub.url, 'admin', this.#password)
    const rigHub: RigHub = {
      ...hub,
      token,
      call: (path, body, verb) => call(hub.url, path, { token, body, verb }),
    }
    this.hubs.push(rigHub)
    return rigHub
  }

  /** The first hub. */
  get hub(): RigHub {
    return this.hubs[0]!
  }

  get password(): string {
    return this.#password
  }

  /** Adds printers that have joined, connected with credentials of their own. */
  async addPrinters(
    count: number,
    options: Partial<SimulatedPrinterOptions> = {},
  ): Promise<SimulatedPrinter[]> {
    const added: SimulatedPrinter[] = []
    for (let index = 0; index < count; index += 1) {
      const number = this.printers.length + 1
      const id = number.toString(16).padStart(32, '0')
      const key = createUser()
      const nkey = key.getPublicKey()
      const value = {
        name: `printer ${number}`,
        site: 'hall',
        labels: {},
        nkey,
        enrolled_at: Date.now(),
        enrolled_by: null,
        maintenance: false,
      }
      await this.hub.store.records.put(id, value)
      const jwt = await printerToken(id, nkey, this.engine.signer)
      const printer = new SimulatedPrinter({
        id,
        url: this.engine.address,
        authenticator: authenticator({ jwt, seed: seedOf(key) }),
        epoch: this.hub.store.epoch,
        ...options,
      })
      await printer.start()
      this.printers.push(printer)
      added.push(printer)
    }
    return added
  }

  /** Uploads a file; resolves with its SHA-256. */
  async upload(text = GCODE): Promise<string> {
    const reply = await fetch(`${this.hub.url}/fleet/files?name=part.gcode`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${this.hub.token}` },
      body: text,
    })
    const { result } = (await reply.json()) as { result: { sha256: string } }
    return result.sha256
  }

  /** The engine's own copy of nats.conf. */
  get engineConfig(): string {
    return readFileSync(join(this.folder, 'engine', 'nats.conf'), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const printer of this.printers) await printer.stop()
    for (const hub of this.hubs) await hub.stop()
    for (const connection of this.#connections) await connection.close()
    await this.engine?.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

interface CallOptions {
  readonly token?: string | undefined
  readonly body?: object | undefined
  readonly verb?: string | undefined
}

/** Calls a hub. */
export async function call(
  url: string,
  path: string,
  { token, body, verb }: CallOptions = {},
): Promise<Reply> {
  const reply = await fetch(url + path, {
    method: verb ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  const { result, error }: Json = text === '' ? {} : JSON.parse(text)
  return { status: reply.status, result, error }
}

/** The token of a login. */
export async function logIn(url: string, username: string, password: string): Promise<string> {
  const { result, error } = await call(url, '/access/login', { body: { username, password } })
  if (error) throw new Error(error.message)
  return result.token
}
