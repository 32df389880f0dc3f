// The site of a chaos run: hubs, the engine of the first one, real servers with virtual printers, and simulated printers,
// each on a node of its own.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createUser } from '@nats-io/nkeys'
import { makeCertificate } from '../../src/app/fleet/certificate.ts'
import { fleetFiles } from '../../src/app/fleet/files.ts'
import { readCode } from '../../src/fleet/contract/index.ts'
import { Hubs } from './hubs.ts'
import { Network } from './network.ts'
import { Node } from './node.ts'
import { RealPrinter } from './real-printer.ts'
import type { SimulatedFleet } from './simulated.ts'

const SIMULATED = fileURLToPath(new URL('simulated.ts', import.meta.url))
/** Milliseconds that the prints of simulated printers take: the least, and how many more for each further printer. */
const PRINT_TIME = 300
const PRINT_TIME_STEP = 70

/** How large the site is. */
export interface SiteOptions {
  readonly folder: string
  /** The program as it is installed. */
  readonly program: string
  readonly hubs: number
  readonly servers: number
  readonly simulated: number
  readonly onProblem: (text: string) => void
}

export class Site {
  readonly network = new Network()
  readonly #options: SiteOptions
  /** Rejects when a program ends by itself: while the site starts, that is the end. */
  readonly #failed = Promise.withResolvers<never>()
  readonly hubNodes: Node[] = []
  readonly printers: RealPrinter[] = []
  hubs!: Hubs
  simulated!: Node

  private constructor(options: SiteOptions) {
    this.#options = options
  }

  /** Starts everything; resolves when all printers are in the fleet. */
  static async start(options: SiteOptions): Promise<Site> {
    const site = new Site(options)
    mkdirSync(join(options.folder, 'logs'))
    site.#failed.promise.catch(() => undefined)
    await Promise.race([site.#addAll(), site.#failed.promise])
    return site
  }

  async #addAll(): Promise<void> {
    await this.#startHubs()
    for (let number = 1; number <= this.#options.servers; number += 1)
      await this.#addServer(`printer${number}`)
    await this.#addSimulated()
  }

  /** All nodes, by their names. */
  get nodes(): readonly Node[] {
    return [...this.hubNodes, ...this.printers.map(({ node }) => node), this.simulated]
  }

  get #first() {
    return fleetFiles(join(this.#options.folder, 'hub1'))
  }

  /** The id of the engine's process. */
  get enginePid(): number {
    return Number(readFileSync(join(this.#first.engine, 'nats-server.pid'), 'utf8'))
  }

  #node(
    name: string,
    args: readonly string[],
    more: Partial<ConstructorParameters<typeof Node>[0]> = {},
  ): Node {
    const { folder } = this.#options
    const logFile = join(folder, 'logs', `${name}.log`)
    const onProblem = (text: string) => {
      this.#options.onProblem(text)
      this.#failed.reject(new Error(text))
    }
    return new Node({ name, command: [process.execPath, ...args], logFile, onProblem, ...more })
  }

  async #startHubs(): Promise<void> {
    const { folder, program, hubs } = this.#options
    const addresses = Array.from({ length: hubs }, (_, index) => this.network.add(`hub${index + 1}`))
    const [engine = ''] = addresses
    const first = this.#first
    mkdirSync(first.blobs, { recursive: true })
    await makeCertificate(first, addresses)
    this.hubs = new Hubs(addresses.map(address => `http://${address}:7200`))
    const password = Promise.withResolvers<string>()
    for (const [index, address] of addresses.entries()) {
      const name = `hub${index + 1}`
      const own = fleetFiles(join(folder, name))
      const args = ['fleet', '-d', own.folder, '--url', `https://${address}:7230`]
      if (index === 0) args.push('--engine-url', `tls://${engine}:4222`)
      else {
        mkdirSync(own.folder)
        cpSync(first.certificates, own.certificates, { recursive: true })
        symlinkSync(first.blobs, own.blobs)
        args.push('--engine', `tls://${engine}:4222`, '--creds', join(first.engine, 'hub.creds'))
      }
      const onOutput = (text: string) => {
        const found = /password (\S+)/.exec(text)?.[1]
        if (found !== undefined) password.resolve(found)
      }
      const node = this.#node(name, [program, ...args], { onOutput })
      this.hubNodes.push(node)
      node.start()
      if (index === 0) await this.hubs.logIn('admin', await password.promise)
    }
  }

  /** A real server, which joins by a code. */
  async #addServer(name: string): Promise<void> {
    const { folder, program } = this.#options
    this.network.add(name)
    const data = join(folder, name)
    const node = this.#node(name, [program, '-d', data])
    const printer = await RealPrinter.start(node, data)
    this.printers.push(printer)
    const { code } = await this.hubs.call('POST', '/fleet/codes', {})
    await printer.call('server.fleet.join', { code, name })
  }

  /** Simulated printers join by codes too. */
  async #addSimulated(): Promise<void> {
    const { folder, simulated } = this.#options
    const printers: SimulatedFleet['printers'][number][] = []
    let engine = ''
    let epoch = ''
    for (let number = 1; number <= simulated; number += 1) {
      const { code } = await this.hubs.call('POST', '/fleet/codes', {})
      const key = createUser()
      const id = number.toString(16).padStart(32, '0')
      const enrolled = await this.hubs.call('POST', '/fleet/enrol', {
        code: readCode(code)?.secret,
        id,
        nkey: key.getPublicKey(),
        name: `simulated ${number}`,
        api_version: '1.5.0',
      })
      engine = enrolled.engine[0]
      epoch = enrolled.epoch
      printers.push({
        id,
        jwt: enrolled.jwt,
        seed: new TextDecoder().decode(key.getSeed()),
        printTime: PRINT_TIME + number * PRINT_TIME_STEP,
      })
    }
    const ca = readFileSync(this.#first.certificate, 'utf8')
    const file = join(folder, 'simulated.json')
    writeFileSync(file, JSON.stringify({ engine, ca, epoch, printers } satisfies SimulatedFleet))
    const journals = join(folder, 'simulated')
    mkdirSync(journals)
    this.network.add('simulated')
    const connected = Promise.withResolvers<void>()
    this.simulated = this.#node('simulated', [SIMULATED, file, journals], {
      answers: true,
      onOutput: () => connected.resolve(),
    })
    this.simulated.start()
    await connected.promise
  }

  /** Ends all processes; the engine ends with the namespaces of the run. */
  async stop(): Promise<void> {
    for (const node of this.nodes) await node.kill()
    for (const printer of this.printers) await printer.stop()
    await delay(100)
  }
}
