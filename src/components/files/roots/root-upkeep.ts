// Looks after the roots: those that vanish and come back, move to another folder, or become read-only.
import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import type { FileChange } from '../../../api/files.ts'
import type { Clock, Timer } from '../../../core/clock.ts'
import type { Registration } from '../../../core/scope.ts'
import type { Warnings } from '../../../core/warnings.ts'
import { factsFrom } from '../tree/folder-node.ts'
import { goneItem, itemOf } from '../tree/item.ts'
import type { Observer } from '../tree/observer.ts'
import type { Root, Roots } from './roots.ts'

/** Seconds between looks at the roots; fewer while one is missing. */
const EVERY = 5
const EVERY_MISSING = 1

/** What upkeep depends on. */
export interface UpkeepParts {
  readonly roots: Roots
  readonly observer: Observer
  readonly clock: Clock
  readonly warnings: Warnings
  readonly tell: (change: FileChange) => void
}

/** A root as it was found. */
interface Found {
  /** What tells this folder from another one at the same path; null where there is none. */
  readonly identity: string | null
  readonly writable: boolean
}

/** What the configuration says of a root. */
interface Declared {
  readonly root: Root
  found: Found | null
  warning: Registration | null
}

export class RootUpkeep {
  readonly #parts: UpkeepParts
  readonly #declared = new Map<string, Declared>()
  #timer: Timer | null = null
  #looking: Promise<void> = Promise.resolve()
  #started = false
  #stopped = false

  constructor(parts: UpkeepParts) {
    this.#parts = parts
  }

  /** Serves a folder; one that is served under the name already is replaced. `writable` is what is allowed at most. */
  declare(root: Root): void {
    const known = this.#declared.get(root.name)
    if (known?.root.path === root.path) return
    known?.warning?.remove()
    this.#declared.set(root.name, { root, found: known?.found ?? null, warning: null })
    this.#parts.roots.add(root)
  }

  /** Serves a folder no more. */
  withdraw(name: string): void {
    this.#declared.get(name)?.warning?.remove()
    this.#declared.delete(name)
    this.#parts.roots.remove(name)
    this.#parts.observer.trees.close(name)
  }

  async start(): Promise<void> {
    await this.look()
    this.#started = true
    this.#lookLater()
  }

  #lookLater(): void {
    if (this.#stopped) return
    this.#timer?.stop()
    const isMissing = [...this.#declared.values()].some(({ found }) => found?.identity === null)
    this.#timer = this.#parts.clock.after(isMissing ? EVERY_MISSING : EVERY, () => {
      void this.look()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.stop()
    await this.#looking
  }

  /** Looks at all roots; resolves when that is done. Never rejects. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      for (const declared of this.#declared.values()) await this.#lookAt(declared)
      if (this.#started) this.#lookLater()
    })
    return this.#looking
  }

  async #lookAt(declared: Declared): Promise<void> {
    const { root, found: before } = declared
    const found = await find(root)
    if (found.identity === before?.identity && found.writable === before.writable) return
    declared.found = found
    const { roots, observer, warnings } = this.#parts
    roots.add({ ...root, writable: found.writable })
    declared.warning?.remove()
    declared.warning =
      found.identity === null
        ? warnings.add(
            `The folder of root '${root.name}' is not there: ${root.path}. Connect its disk, or make the folder.`,
            `root ${root.name}`,
          )
        : null
    if (found.identity !== before?.identity) observer.trees.close(root.name)
    if (!this.#started) return
    await this.#tell(roots.get(root.name), found.identity)
    if (found.identity !== null) await observer.open(roots.get(root.name))
  }

  async #tell(root: Root, identity: string | null): Promise<void> {
    const stats = identity === null ? undefined : await stat(root.path).catch(() => undefined)
    const item = stats === undefined ? goneItem(root, '') : itemOf(root, '', factsFrom(stats))
    this.#parts.tell({ action: 'root_update', item })
  }
}

async function find({ path, writable }: Root): Promise<Found> {
  try {
    const real = await realpath(path)
    const { dev, ino } = await stat(real)
    const mayWrite =
      writable &&
      (await access(real, constants.W_OK).then(
        () => true,
        () => false,
      ))
    return { identity: `${real} ${dev} ${ino}`, writable: mayWrite }
  } catch {
    return { identity: null, writable: false }
  }
}
