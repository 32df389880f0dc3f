// Keeps calls away from network disks that do not respond. A call to such a disk may never return, and holds one of the
// threads that all file calls share: a disk has few calls at a time, and one that is silent has no new ones.
import { setMaxListeners } from 'node:events'
import { readlink, statfs } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { HostPart } from '../../../component/host.ts'
import { type Clock, withTimeout } from '../../../core/clock.ts'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { ApiError } from '../../../core/errors.ts'
import { threadsThatMayHang } from '../../../core/thread-pool.ts'
import { type Mounts, readMounts } from '../tree/mounts.ts'

/** Seconds that a network disk has to respond. */
const TIMEOUT = 5
/** Links in one path, as on Linux. */
const MAX_LINKS = 40
/** Calls to one disk at a time, without the one that looks whether it responds. */
const MAX_CALLS = 3
/** Calls to all disks that wait. */
const MAX_QUEUED = 10_000
/** Seconds for which the mounts count as known: the printers of a process check their roots at the same moment. */
const MOUNTS_AGE = 0.5

/** A network disk does not respond. What is known of it stays. */
export class DiskSilent extends ApiError {
  override readonly name: string = 'DiskSilent'

  constructor(mountPoint: string) {
    super(503, `The network disk ${mountPoint} does not respond, try again later`)
  }
}

/** Takes the error of a call as a missing file or folder. Throws DiskSilent: nothing is known of that disk. */
export function asMissing(error: unknown): undefined {
  if (error instanceof DiskSilent) throw error
}

/** The network disks of the machine, for all printers of the process. */
export const remoteDisksPart: HostPart<RemoteDisks> = {
  name: 'the network disks',
  create: ({ clock }) => new RemoteDisks(clock),
}

export class RemoteDisks {
  readonly #clock: Clock
  readonly #mountsFile: string | undefined
  #mounts: Mounts
  #mountsRead: number
  /** By mount point. */
  readonly #disks = new Map<string, RemoteDisk>()
  readonly #threads = limitOf(threadsThatMayHang())

  /** `mountsFile` takes the place of /proc/mounts. */
  constructor(clock: Clock, mountsFile?: string) {
    this.#clock = clock
    this.#mountsFile = mountsFile
    this.#mounts = readMounts(mountsFile)
    this.#mountsRead = clock.monotonic()
  }

  /** Reads which file systems are mounted, unless that was just done. */
  refresh(): void {
    const now = this.#clock.monotonic()
    if (now - this.#mountsRead < MOUNTS_AGE) return
    this.#mountsRead = now
    const mounts = readMounts(this.#mountsFile, this.#mounts)
    this.#mounts = mounts
    for (const [point, disk] of this.#disks) {
      if (!disk.isInUse && mounts.remotePointOf(point) !== point) this.#disks.delete(point)
    }
  }

  /** Whether the machine has network disks. */
  get hasAny(): boolean {
    return this.#mounts.hasRemote
  }

  /** Whether `path`, without links, is on a network disk. */
  isRemote(path: string): boolean {
    return this.#mounts.isRemote(path)
  }

  /** Rejects with DiskSilent if `path`, without links, is on a network disk that does not respond. */
  async check(path: string): Promise<void> {
    await this.#diskOf(path)?.check()
  }

  /** Does the same for every disk that `path`, an absolute one, leads to: follows its links one by one. */
  async checkLinks(path: string): Promise<void> {
    if (!this.#mounts.hasRemote) return
    let done: string = sep
    let rest = resolve(path).split(sep).filter(Boolean)
    for (let links = 0; rest.length > 0; ) {
      const next = join(done, rest.shift() as string)
      await this.check(next)
      const target = await this.run([next], () => readlink(next)).catch(asMissing)
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

  /**
   * Runs a call that uses `paths`, without links, and one thread at a time. If one is on a network disk, the call is
   * queued, and the result rejects with DiskSilent when the disk does not respond. The call itself cannot be ended.
   */
  run<T>(paths: readonly string[], call: () => Promise<T>): Promise<T> {
    if (!this.#mounts.hasRemote) return call()
    const disks = new Set(paths.map(path => this.#diskOf(path)).filter(disk => disk !== undefined))
    // In the same order for all, so that no two calls wait for each other.
    const sorted = [...disks].sort((a, b) => (a.point < b.point ? -1 : 1))
    return sorted.reduceRight<() => Promise<T>>((inner, disk) => () => disk.run(inner), call)()
  }

  /** Queues a call, however late it runs: the end of what was started. */
  async finish(path: string, call: () => Promise<void>): Promise<void> {
    await (this.#diskOf(path)?.enqueue(call) ?? call())
  }

  #diskOf(path: string): RemoteDisk | undefined {
    const point = this.#mounts.remotePointOf(path)
    if (point === undefined) return undefined
    const disk = this.#disks.get(point) ?? new RemoteDisk(point, this.#clock, this.#threads)
    this.#disks.set(point, disk)
    return disk
  }
}

function limitOf(maxRunning: number): ConcurrencyLimit {
  return new ConcurrencyLimit({ what: 'calls to network disks', maxRunning, maxQueued: MAX_QUEUED })
}

/** One network disk. */
class RemoteDisk {
  readonly point: string
  readonly #clock: Clock
  /** Of all disks. */
  readonly #threads: ConcurrencyLimit
  readonly #calls = limitOf(MAX_CALLS)
  #running = 0
  #isWatched = false
  /** Looks whether the disk responds. */
  #probe: Promise<void> | null = null
  /** Aborted when the disk does not respond. */
  #silence = newSilence()

  constructor(point: string, clock: Clock, threads: ConcurrencyLimit) {
    this.point = point
    this.#clock = clock
    this.#threads = threads
  }

  get isInUse(): boolean {
    return this.#running > 0 || this.#probe !== null
  }

  /** Rejects with DiskSilent if the disk does not respond. Calls at the same time share a probe. */
  async check(): Promise<void> {
    this.#silence.signal.throwIfAborted()
    this.#probe ??= this.#look()
    await this.#probe
  }

  #look(): Promise<void> {
    // Unlike other calls, this one is never answered from a cache.
    const answer = this.#threads.run(() => statfs(this.point)).then(ignore, ignore)
    void answer.then(() => {
      this.#probe = null
      if (this.#silence.signal.aborted) this.#silence = newSilence()
    })
    const result = withTimeout(this.#clock, TIMEOUT, answer, () => new DiskSilent(this.point))
    result.catch(error => this.#silence.abort(error))
    return result
  }

  /** Queues a call. Rejects with DiskSilent when the disk does not respond; the call goes on. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const { signal } = this.#silence
    signal.throwIfAborted()
    const silence = Promise.withResolvers<never>()
    const onSilence = () => silence.reject(signal.reason)
    signal.addEventListener('abort', onSilence)
    try {
      return await Promise.race([silence.promise, this.enqueue(call, signal)])
    } finally {
      signal.removeEventListener('abort', onSilence)
    }
  }

  /** Queues a call; one that waits ends with the reason of `signal`. */
  async enqueue<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#running += 1
    this.#watch()
    try {
      return await this.#calls.run(() => this.#threads.run(call, signal), signal)
    } finally {
      this.#running -= 1
    }
  }

  /** While calls run, looks from time to time whether the disk still responds. */
  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    this.#clock.after(TIMEOUT, () => {
      this.#isWatched = false
      if (this.#running > 0) this.check().then(() => this.#watch(), ignore)
    })
  }
}

function newSilence(): AbortController {
  const controller = new AbortController()
  // Each call that waits listens.
  setMaxListeners(0, controller.signal)
  return controller
}

function ignore(): void {
  // An error is an answer, too.
}
