// Keeps calls away from network disks that do not respond. A call to such a disk may never return, and holds one of the
// few threads that all file calls share; so one call looks at the disk, and all others wait for that one.
import { readlink, statfs } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { type Clock, withTimeout } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import { type Mounts, readMounts } from '../tree/mounts.ts'

/** Seconds that a network disk has to respond. */
const TIMEOUT = 5
/** Links in one path, as on Linux. */
const MAX_LINKS = 40

/** A network disk does not respond. What is known of it stays. */
export class DiskSilent extends ApiError {
  override readonly name: string = 'DiskSilent'

  constructor(mountPoint: string) {
    super(503, `The network disk ${mountPoint} does not respond, try again later`)
  }
}

/** A call that checks a disk; its result rejects with DiskSilent after the timeout, and the call continues. */
interface Probe {
  readonly result: Promise<void>
  isLate: boolean
}

export class RemoteDisks {
  readonly #clock: Clock
  #mounts: Mounts = readMounts()
  /** The running probes by mount point. */
  readonly #probes = new Map<string, Probe>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Looks which file systems are mounted. */
  refresh(mounts = readMounts()): void {
    this.#mounts = mounts
  }

  /** Whether `path`, without links, is on a network disk. */
  isRemote(path: string): boolean {
    return this.#mounts.isRemote(path)
  }

  /** Rejects with DiskSilent if `path`, without links, is on a network disk that does not respond. */
  async check(path: string): Promise<void> {
    const point = this.#mounts.remotePointOf(path)
    if (point === undefined) return
    const probe = this.#probes.get(point) ?? this.#probe(point)
    if (probe.isLate) throw new DiskSilent(point)
    await probe.result
  }

  /** Does the same for every disk that `path`, an absolute one, leads to: follows its links one by one. */
  async checkLinks(path: string): Promise<void> {
    if (!this.#mounts.hasRemote) return
    let done: string = sep
    let rest = resolve(path).split(sep).filter(Boolean)
    for (let links = 0; rest.length > 0; ) {
      const next = join(done, rest.shift() as string)
      await this.check(next)
      const target = await readlink(next).catch(() => undefined)
      if (target === undefined) {
        done = next
        continue
      }
      links += 1
      // The system rejects such a path itself.
      if (links > MAX_LINKS) return
      rest = [...resolve(done, target).split(sep).filter(Boolean), ...rest]
      done = sep
    }
  }

  #probe(point: string): Probe {
    // Unlike other calls, this one is never answered from a cache.
    const answer = statfs(point).then(
      () => undefined,
      () => undefined,
    )
    const result = withTimeout(this.#clock, TIMEOUT, answer, () => {
      probe.isLate = true
      return new DiskSilent(point)
    })
    const probe: Probe = { result, isLate: false }
    this.#probes.set(point, probe)
    void answer.then(() => this.#probes.delete(point))
    return probe
  }
}
