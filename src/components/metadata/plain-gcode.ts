// Plain G-code for binary G-code, which Klipper cannot print: made before the first print, kept next to the binary file,
// and removed when the binary file changes or is deleted.
import type { FileChange } from '../../api/files.ts'
import type { Core } from '../../component/component.ts'
import {
  binaryGcodePath,
  isBinaryGcodeName,
  isPlainGcodeOf,
  plainGcodePath,
} from '../../core/binary-gcode.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { makeDurable } from '../../core/make-durable.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import type { Place } from '../files/roots/roots.ts'
import type { FilesService } from '../files/service.ts'
import type { DecodedFrom } from './binary/decode.ts'
import { isCopy, markCopy } from './plain-copy.ts'
import { WorkerLost, WorkerProcess } from './worker/worker-process.ts'

/** Seconds without progress after which a conversion fails. */
const TIMEOUT = 60

/** A binary file and its plain G-code. */
interface Pair {
  readonly binary: Place
  readonly plain: Place
}

/** What conversions depend on. */
export interface PlainGcodeParts {
  readonly core: Core
  readonly files: FilesService
  /** Reads the metadata of a file before it is printed. */
  readonly read: (path: string) => Promise<void>
}

export class PlainGcode {
  readonly #core: Core
  readonly #files: FilesService
  readonly #read: PlainGcodeParts['read']
  readonly #worker = new WorkerProcess()
  /** One conversion at a time: each needs the disk and a processor. */
  readonly #queue = new SerialQueue()
  /** Binary files whose plain G-code is outdated, but loaded in Klipper. */
  readonly #loaded = new Set<string>()
  #isStopped = false

  constructor({ core, files, read }: PlainGcodeParts) {
    this.#core = core
    this.#files = files
    this.#read = read
  }

  /** Removes plain G-code that became outdated while the server was down. The start does not wait for it. */
  start(): void {
    const { log } = this.#core
    this.#removeAllOutdated().catch(error => {
      if (!this.#isStopped) log.error('cannot remove outdated plain G-code', error)
    })
  }

  async #removeAllOutdated(): Promise<void> {
    await this.#files.rootsKnown
    for (const { path } of await this.#files.list('gcodes')) {
      const binary = binaryGcodePath(path)
      if (binary !== undefined) await this.#removeOutdated(binary)
    }
  }

  /** Follows a change of the files. */
  async changed({ item, source_item }: FileChange): Promise<void> {
    for (const changed of [item, source_item])
      if (changed?.root === 'gcodes' && isBinaryGcodeName(changed.path))
        await this.#removeOutdated(changed.path)
  }

  /** Ends the running conversion. */
  stop(): void {
    this.#isStopped = true
    this.#worker.stop()
  }

  /** Removes outdated plain G-code that Klipper had loaded. Called when Klipper loads another file, or none. */
  async unloaded(): Promise<void> {
    const paths = [...this.#loaded]
    this.#loaded.clear()
    for (const path of paths) await this.#removeOutdated(path)
  }

  /**
   * The path of the file to print for `path`: for a binary file its plain G-code, which is made if it is missing
   * or outdated. Paths are those below the gcodes root. Rejects with ApiError if a binary file is damaged or cannot be
   * converted, and with the reason of `signal`.
   */
  async toPrint(path: string, signal: AbortSignal): Promise<string> {
    return isBinaryGcodeName(path) ? await this.#queue.run(() => this.#ready(path, signal)) : path
  }

  async #ready(path: string, signal: AbortSignal): Promise<string> {
    const { printer } = this.#core
    const { binary, plain } = await this.#pair(path)
    const [time, plainTime] = await Promise.all([this.#timeOf(binary), this.#timeOf(plain)])
    // Klipper itself rejects a print of a file that does not exist, and a second print.
    if (time === null || printer.session.state !== 'ready' || (await printer.isPrinting())) return path
    signal.throwIfAborted()
    if (plainTime === null || !isPlainGcodeOf(plainTime, time)) {
      try {
        await this.#convert({ binary, plain }, signal)
      } catch (error) {
        signal.throwIfAborted()
        throw describe(error, path)
      }
    }
    await this.#read(plain.relative)
    signal.throwIfAborted()
    return plain.relative
  }

  async #convert({ binary, plain }: Pair, signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#core
    const startedAt = clock.monotonic()
    await this.#refuseForeign({ binary, plain })
    await this.#files.withStagingPath(plain, async draft => {
      const from = await this.#worker.run(
        'decode',
        { path: binary.absolute, output: draft },
        { timeoutSeconds: TIMEOUT, signal, onProgress: this.#reporter(binary) },
      )
      await markCopy(draft, binary, from.modified)
      await makeDurable(draft)
      await this.#files.lock.run({ write: [plain.absolute] }, () =>
        this.#publish(draft, from, { binary, plain }),
      )
    })
    const seconds = (clock.monotonic() - startedAt).toFixed(1)
    log.info(`${binary.relative} was converted to plain G-code in ${seconds} s`)
  }

  /** Shows clients each tenth, on the console; short conversions have no progress. */
  #reporter({ relative }: Place): (progress: { readonly fraction: number }) => number {
    let shown = -1
    return ({ fraction }) => {
      const percent = Math.floor(fraction * 10) * 10
      if (percent !== shown) {
        shown = percent
        const line = `// Converting ${relative} to plain G-code: ${percent}%`
        this.#core.connections.notify('notify_gcode_response', line)
      }
      return TIMEOUT
    }
  }

  /** Rejects with ApiError if the plain file is a user's, or may not be changed. */
  async #refuseForeign({ binary, plain }: Pair): Promise<void> {
    await this.#files.refuseRewrite(plain)
    if ((await this.#timeOf(plain)) === null || (await isCopy(plain, binary))) return
    throw new ApiError(
      409,
      `${binary.relative} needs the name ${plain.relative} for its plain G-code, but the server did not make the file ` +
        'of that name: rename or delete it',
    )
  }

  async #publish(draft: string, from: DecodedFrom, { binary, plain }: Pair): Promise<void> {
    await this.#refuseForeign({ binary, plain })
    const now = await this.#files.roots.calls.stat(binary.absolute)
    if (now.size !== from.size || now.mtimeMs !== from.modified)
      throw new ApiError(409, `${binary.relative} was changed while it was converted, print it again`)
    await this.#files.publishFile(draft, plain)
  }

  /** Removes the plain G-code of a binary file that has changed or is gone, unless Klipper has it loaded. */
  async #removeOutdated(path: string): Promise<void> {
    const { binary, plain } = await this.#pair(path)
    await this.#files.lock.run({ write: [plain.absolute] }, async () => {
      const [time, plainTime] = await Promise.all([this.#timeOf(binary), this.#timeOf(plain)])
      if (plainTime === null || (time !== null && isPlainGcodeOf(plainTime, time))) return
      if (!(await isCopy(plain, binary))) return
      try {
        await this.#files.refuseRewrite(plain)
        await this.#files.removeFile(plain)
      } catch (error) {
        this.#loaded.add(path)
        this.#core.log.info(`${plain.relative} is outdated, but was not removed: ${messageOf(error)}`)
      }
    })
  }

  async #pair(path: string): Promise<Pair> {
    const { roots } = this.#files
    const root = roots.get('gcodes')
    const binary = await roots.resolve(root, path)
    return { binary, plain: await roots.resolve(root, plainGcodePath(binary.relative)) }
  }

  /** Seconds since the epoch; null if there is no such file. */
  async #timeOf({ absolute }: Place): Promise<number | null> {
    const stats = await this.#files.roots.calls.find(absolute)
    return stats?.isFile() === true ? stats.mtimeMs / 1000 : null
  }
}

function describe(error: unknown, path: string): unknown {
  if (error instanceof ApiError) return error
  const { code } = error as NodeJS.ErrnoException
  const text = `${path} cannot be converted to plain G-code: ${messageOf(error)}`
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ApiError(507, text)
  if (code === 'EBLOCK') return new ApiError(400, text)
  return new ApiError(error instanceof WorkerLost ? 500 : 400, text)
}
