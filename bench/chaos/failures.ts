// The failures of a chaos run: which node is killed or cut off, when, and for how long. A seed gives the same plan again.
import type { Site } from './site.ts'

/** Seconds between two failures, and that one lasts: the least, and the most. */
const PAUSE = [0.5, 3] as const
const DOWN = [0.2, 6] as const
const CUT = [0.5, 15] as const

/** One failure. */
export interface Failure {
  /** Seconds after the start. */
  readonly at: number
  readonly kind: 'kill' | 'cut'
  /** The name of a node, or `engine`. */
  readonly target: string
  /** Seconds. */
  readonly lasts: number
}

/** Random numbers of 0 to 1, the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The failures of a run of so many seconds. `nodes` are the names of the nodes. */
export function planOf(
  { seed, seconds }: { readonly seed: number; readonly seconds: number },
  nodes: readonly string[],
): Failure[] {
  const random = randomOf(seed)
  const between = ([least, most]: readonly [number, number]) => least + random() * (most - least)
  const choose = (all: readonly string[]) => all[Math.floor(random() * all.length)] as string
  const plan: Failure[] = []
  for (let at = between(PAUSE); at < seconds; at += between(PAUSE)) {
    const isKill = random() < 0.6
    const target = choose(isKill ? [...nodes, 'engine'] : nodes)
    plan.push({ at, kind: isKill ? 'kill' : 'cut', target, lasts: between(isKill ? DOWN : CUT) })
  }
  return plan
}

/** Makes the failures of a plan happen at a site. Failures of one node may overlap: it is whole again after the last one. */
export class Failures {
  readonly #site: Site
  readonly #report: (text: string) => void
  readonly #timers: NodeJS.Timeout[] = []
  /** Of each node, until when it is down or cut off. */
  readonly #until = new Map<string, number>()
  #start = 0

  constructor(site: Site, report: (text: string) => void) {
    this.#site = site
    this.#report = report
  }

  start(plan: readonly Failure[]): void {
    this.#start = performance.now()
    for (const failure of plan) this.#at(failure.at, () => this.#happen(failure))
  }

  #at(seconds: number, run: () => void): void {
    const wait = this.#start + seconds * 1000 - performance.now()
    this.#timers.push(setTimeout(run, Math.max(0, wait)))
  }

  #happen({ at, kind, target, lasts }: Failure): void {
    this.#report(`${at.toFixed(1).padStart(6)} s  ${kind} ${target}, ${lasts.toFixed(1)} s`)
    if (target === 'engine') {
      this.#killEngine()
      return
    }
    const key = `${kind} ${target}`
    this.#until.set(key, Math.max(this.#until.get(key) ?? 0, at + lasts))
    const node = this.#site.nodes.find(({ name }) => name === target)
    if (kind === 'kill') void node?.kill()
    else this.#site.network.cut(target)
    this.#at(at + lasts, () => {
      if ((this.#until.get(key) ?? 0) > at + lasts) return
      if (kind === 'kill') node?.start()
      else this.#site.network.heal(target)
    })
  }

  /** Its hub starts it again. */
  #killEngine(): void {
    try {
      process.kill(this.#site.enginePid, 'SIGKILL')
    } catch {
      // It is dead already, with or without its hub.
    }
  }

  /** Ends all failures: every node runs, and is connected. */
  heal(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const node of this.#site.nodes) {
      this.#site.network.heal(node.name)
      node.start()
    }
  }
}
