// Real servers of the fleet's benchmark, with virtual printers: each a process of its own, as it is installed.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createUser } from '@nats-io/nkeys'
import { forEachConcurrently } from '../src/core/concurrency-limit.ts'
import { type PrinterSigner, printerToken } from '../src/fleet/hub/engine/tokens.ts'
import { killProcess } from '../test/support/kill-process.ts'
import type { Hubs, Json } from './chaos/hubs.ts'
import { isReal, realId } from './fleet-printer.ts'
import { sleep } from './load.ts'
import { cpuSeconds, memory } from './process-facts.ts'
import { ownServer, type Started, startTarget, type Target } from './server-process.ts'

const PRINTERS = fileURLToPath(new URL('virtual-printers.ts', import.meta.url))
/** Servers that start at the same time. */
const STARTS = 2
/** Seconds that a move of the printed file takes. */
const MOVE = 1
/** States of jobs that have not started. */
const WAITING: readonly string[] = ['queued', 'offered', 'accepted']
/** Seconds between two looks at the jobs. */
const LOOK = 0.5
/** Where the hub shows them. */
const SITE = 'real servers'

/** Lets a printer join, as a hub does it. */
export type AddRecord = (
  id: string,
  printer: { readonly nkey: string; readonly name: string; readonly site: string },
) => Promise<unknown>

/** What the servers need of the fleet. */
export interface FleetParts {
  readonly engineUrl: string
  readonly epoch: string
  readonly signer: PrinterSigner
  /** Lets a printer join. */
  readonly addRecord: AddRecord
}

export class RealServers {
  readonly #targets: Target[] = []
  readonly #started: Started[] = []
  #printers: ChildProcess | null = null
  #ordered = 0

  /** Starts the printers, then the servers; resolves when all servers answer. */
  static async start(count: number, parts: FleetParts): Promise<RealServers> {
    const servers = new RealServers()
    try {
      await servers.#start(count, parts)
      return servers
    } catch (error) {
      await servers.stop()
      throw error
    }
  }

  async #start(count: number, parts: FleetParts): Promise<void> {
    for (let number = 1; number <= count; number += 1) this.#targets.push(await prepare(number, parts))
    if (count === 0) return
    this.#printers = fork(PRINTERS, this.#targets.map(folderOf))
    await once(this.#printers, 'message')
    await forEachConcurrently(this.#targets, STARTS, async target => {
      this.#started.push(await startTarget(target))
    })
  }

  get #pids(): number[] {
    return this.#started.map(({ pid }) => pid as number)
  }

  /** CPU time of all servers so far, s. */
  get cpuSeconds(): number {
    return this.#pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  }

  /** Resident memory of a server, in MB: the mean. */
  get meanRss(): number {
    return this.#pids.reduce((sum, pid) => sum + memory(pid).rss, 0) / this.#pids.length
  }

  /** Lets some of them print a file of the hub for so many seconds; resolves when no job waits. */
  async print(hubs: Hubs, count: number, seconds: number): Promise<void> {
    if (count === 0) return
    const moves = Array.from(
      { length: Math.ceil(seconds / MOVE) },
      (_, index) => `G1 X${index % 2 === 0 ? 30 : 10} F1200`,
    )
    const text = ['G28', 'G1 X10 Y10 Z5 F6000', ...moves, ''].join('\n')
    const { sha256 } = await hubs.call('PUT', '/fleet/files?name=long.gcode', text)
    await hubs.call('POST', '/fleet/jobs', { file: sha256, name: 'long.gcode', copies: count })
    this.#ordered = count
    while ((await this.#jobs(hubs)).some(({ state }) => WAITING.includes(state))) await sleep(LOOK)
  }

  async #jobs(hubs: Hubs): Promise<Json[]> {
    const [url = ''] = hubs.urls
    return hubs.pages(url, '/fleet/jobs', 'jobs', ({ next }) => next && `before=${next}`)
  }

  /** What is not as it should be while they print; nothing if all is. */
  async problems(hubs: Hubs): Promise<string[]> {
    const [url = ''] = hubs.urls
    const found: string[] = []
    const all = await hubs.pages(url, '/fleet/printers', 'printers', ({ next }) => next && `cursor=${next}`)
    const rows = all.filter(({ id }) => isReal(id))
    const inState = (wanted: string) => rows.filter(({ state }) => state === wanted).length
    const expected = { printing: this.#ordered, ready: this.#targets.length - this.#ordered }
    for (const [state, count] of Object.entries(expected)) {
      if (inState(state) !== count) found.push(`${inState(state)} of ${count} servers are ${state}`)
    }
    const jobs = await this.#jobs(hubs)
    for (const { id, state, attempt, why } of jobs)
      if (state !== 'printing') found.push(`job ${id} is ${state} at attempt ${attempt}: ${why}`)
    return found
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map(({ stop }) => stop()))
    await killProcess(this.#printers)
    for (const target of this.#targets) target.clean()
  }
}

/** The data folder of `ownServer`. */
function folderOf({ klippySocket }: Target): string {
  return dirname(klippySocket ?? '')
}

/** Writes the data folder of a server that has joined. */
async function prepare(number: number, { engineUrl, epoch, signer, addRecord }: FleetParts): Promise<Target> {
  const target = await ownServer([
    `[fleet]\nengine: ${engineUrl}`,
    '[machine]\nprovider: none',
    '[announcements]\nenable_moonlight: False',
  ])
  const id = realId(number)
  const key = createUser()
  const nkey = key.getPublicKey()
  const jwt = await printerToken(id, nkey, signer)
  const data = folderOf(target)
  const folder = join(data, 'fleet')
  mkdirSync(folder)
  writeFileSync(join(folder, 'seed'), key.getSeed(), { mode: 0o600 })
  writeFileSync(join(folder, 'credential.json'), JSON.stringify({ jwt, ca: null, epoch }))
  writeFileSync(join(data, '.moonraker.uuid'), id)
  await addRecord(id, { nkey, name: `server ${number}`, site: SITE })
  return target
}
