// A cluster of three engines for tests, as operators of their own cluster run it, on loopback and in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureHubCredentials } from '../../src/fleet/hub/engine/credentials.ts'
import { type EngineKeys, ensureKeys } from '../../src/fleet/hub/engine/keys.ts'
import {
  accountToken,
  operatorToken,
  type PrinterSigner,
  systemToken,
} from '../../src/fleet/hub/engine/tokens.ts'
import { freePort } from '../support/free-port.ts'
import { killProcess } from '../support/kill-process.ts'
import { programPath } from '../support/program.ts'

const PROGRAM = programPath('nats-server') ?? ''
const NODES = ['n1', 'n2', 'n3']

export class Cluster implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cluster-'))
  readonly #keys: EngineKeys = ensureKeys(this.#folder)
  readonly #children = new Map<string, ChildProcess>()
  /** Where its engines listen for hubs and printers. */
  servers: readonly string[] = []
  /** The file with the credentials of hubs. */
  credentials = ''

  static async start(): Promise<Cluster> {
    const cluster = new Cluster()
    cluster.credentials = await ensureHubCredentials(cluster.#folder, cluster.#keys)
    await cluster.#configure()
    for (const name of NODES) cluster.run(name)
    return cluster
  }

  get signer(): PrinterSigner {
    return { key: this.#keys.printerSigner, account: this.#keys.account.getPublicKey() }
  }

  async #configure(): Promise<void> {
    const [operator, system] = [await operatorToken(this.#keys), await systemToken(this.#keys)]
    const account = await accountToken(this.#keys, {})
    const ports = await Promise.all(NODES.map(() => freePort()))
    const routes = await Promise.all(NODES.map(() => freePort()))
    this.servers = ports.map(port => `nats://127.0.0.1:${port}`)
    const [systemKey, accountKey] = [this.#keys.system.getPublicKey(), this.#keys.account.getPublicKey()]
    for (const [index, name] of NODES.entries()) {
      const lines = [
        `listen: 127.0.0.1:${ports[index]}`,
        `server_name: ${name}`,
        `jetstream { store_dir: "${join(this.#folder, name)}" }`,
        `cluster { name: fleet, listen: 127.0.0.1:${routes[index]}, routes: [${routes.map(port => `"nats-route://127.0.0.1:${port}"`).join()}] }`,
        `operator: ${operator}`,
        `system_account: ${systemKey}`,
        'resolver: MEMORY',
        `resolver_preload { ${systemKey}: ${system}, ${accountKey}: ${account} }`,
      ]
      writeFileSync(join(this.#folder, `${name}.conf`), lines.join('\n'))
    }
  }

  /** Starts one of its engines. */
  run(name: string): void {
    this.#children.set(name, spawn(PROGRAM, ['-c', join(this.#folder, `${name}.conf`)], { stdio: 'ignore' }))
  }

  async kill(name: string): Promise<void> {
    await killProcess(this.#children.get(name) ?? null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of NODES) await this.kill(name)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
