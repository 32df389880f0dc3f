// The files of the fleet: fetched by hash, checked, kept below gcodes/fleet, and removed when they take too much space.
import { constants, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { sleep } from '../../../core/clock.ts'
import { DownloadError, download } from '../../../core/download.ts'
import { messageOf } from '../../../core/errors.ts'
import { HttpClientError } from '../../../core/http-client.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import type { JobFile } from '../../../fleet/contract/index.ts'
import type { FilesService } from '../../files/service.ts'
import type { MetadataSource } from '../../metadata/service.ts'
import { FileCache } from './file-cache.ts'
import type { JobFiles } from './job-runner.ts'

/** The folder below the gcodes root. */
const FOLDER = 'fleet'
/** Characters of the name of a file, without hash and extension. */
const MAX_NAME = 80
/** Seconds within which a file must be there. */
const TOTAL_SECONDS = 3600
/** Seconds between two attempts: the least, and the most. */
const RETRY_MIN = 2
const RETRY_MAX = 120
/** Statuses of a hub that is busy or being restarted. */
const PASSING: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

/** What the files depend on. */
export interface FleetFilesParts {
  readonly core: Core
  readonly files: FilesService
  readonly metadata: () => MetadataSource | null
  /** PEM of the fleet's own CA certificate. */
  readonly ca: string | null
  /** Bytes that files may take. */
  readonly maxBytes: number
}

export class FleetFiles implements JobFiles {
  readonly #parts: FleetFilesParts
  readonly #cache: FileCache

  constructor(parts: FleetFilesParts) {
    this.#parts = parts
    this.#cache = new FileCache(parts.core.storage)
  }

  /** Below the gcodes root. The hash in the name keeps equal names of different files apart. */
  pathOf({ name, sha256 }: JobFile): string {
    const hasKnownEnd = this.#parts.files.isGcodeName(name)
    const end = hasKnownEnd ? extname(name) : '.gcode'
    const base = (hasKnownEnd ? name.slice(0, -end.length) : name).replace(/[^\p{L}\p{N} ._()+-]/gu, '_')
    const plain = base.replace(/^[. ]+/, '').slice(0, MAX_NAME) || 'part'
    return `${FOLDER}/${plain}-${sha256.slice(0, 8)}${end}`
  }

  /**
   * Resolves with the path of the complete, checked and durable file. Rejects with an error whose message is the
   * reason, or with the reason of `signal`.
   */
  async fetch(
    { file, url }: { readonly file: JobFile; readonly url: string },
    signal: AbortSignal,
  ): Promise<string> {
    const path = this.pathOf(file)
    if (await this.#isThere(path, file)) return path
    const { core } = this.#parts
    await this.#evict(path, file.size)
    const folder = join(core.paths.data, 'fleet', 'download')
    await mkdir(folder, { recursive: true })
    await removeOthers(folder, file.sha256)
    const draft = join(folder, file.sha256)
    await this.#download(url, draft, file, signal)
    await this.#publish(draft, path)
    // Metadata may rewrite the file, which must not look as if another person had changed it.
    await this.#parts
      .metadata()
      ?.prepare(path)
      .catch(() => {})
    await this.#remember(path, file)
    return path
  }

  async #isThere(path: string, file: JobFile): Promise<boolean> {
    const known = this.#cache.find(path)
    if (known === undefined || known.sha256 !== file.sha256) return false
    const facts = await stat(await this.#absolute(path)).catch(() => null)
    if (facts === null || facts.size !== known.size || facts.mtimeMs !== known.modified) return false
    await this.#remember(path, file)
    return true
  }

  async #remember(path: string, { sha256 }: JobFile): Promise<void> {
    const { size, mtimeMs } = await stat(await this.#absolute(path))
    const used = this.#parts.core.clock.now()
    await this.#cache.put({ path, sha256, size, modified: mtimeMs, used })
  }

  async #absolute(path: string): Promise<string> {
    const { roots } = this.#parts.files
    return (await roots.resolve(roots.get('gcodes'), path)).absolute
  }

  /** Tries again while the hub is busy or not reachable. */
  async #download(url: string, to: string, file: JobFile, signal: AbortSignal): Promise<void> {
    const { core, ca } = this.#parts
    const end = core.clock.monotonic() + TOTAL_SECONDS
    for (let attempt = 0; ; attempt += 1) {
      try {
        await download(core.host.http, {
          url,
          file: to,
          maxBytes: file.size,
          expectedBytes: file.size,
          checksum: { algorithm: 'sha256', digest: file.sha256 },
          keepTls: true,
          signal,
          ...(ca !== null && { tls: { ca } }),
        })
        return
      } catch (error) {
        const wait = waitBefore(error, attempt)
        if (wait === null || core.clock.monotonic() + wait > end) throw error
        core.log.info(`the file of the fleet is fetched again in ${Math.round(wait)} s: ${messageOf(error)}`)
        await sleep(core.clock, wait, signal)
      }
    }
  }

  async #publish(from: string, path: string): Promise<void> {
    const { files } = this.#parts
    const root = await files.roots.checked(files.roots.get('gcodes'))
    await mkdir(join(root.path, FOLDER), { recursive: true })
    const place = await files.roots.resolve(root, path)
    await files.lock.run({ write: [place.absolute] }, async () => {
      if ((await stat(place.absolute).catch(() => null)) !== null) await files.refuseRewrite(place)
      await files.withStagingPath(place, async draft => {
        await rename(from, draft).catch(error => copyToOtherDisk(error, from, draft))
        await makeDurable(draft)
        await files.publishFile(draft, place)
      })
    })
  }

  /** Removes the files that were not used for the longest time, until there is room for `bytes` more. */
  async #evict(keep: string, bytes: number): Promise<void> {
    const { files, core, maxBytes } = this.#parts
    let total = this.#cache.bytes + bytes
    for (const { path, size } of this.#cache.oldestFirst()) {
      if (total <= maxBytes) return
      if (path === keep) continue
      try {
        const place = await files.roots.resolve(files.roots.get('gcodes'), path)
        await files.lock.run({ write: [place.absolute] }, async () => {
          const isThere = (await stat(place.absolute).catch(() => null)) !== null
          if (!isThere) return
          await files.refuseRewrite(place)
          await files.removeFile(place)
        })
        await this.#cache.remove(path)
        total -= size
      } catch (error) {
        core.log.debug(`${path} is kept: ${messageOf(error)}`)
      }
    }
  }
}

/** Seconds until the next attempt; null if it would fail in the same way. */
function waitBefore(error: unknown, attempt: number): number | null {
  const status = error instanceof DownloadError ? error.status : null
  const isPassing = error instanceof HttpClientError || (status !== null && PASSING.has(status))
  if (!isPassing) return null
  const named = error instanceof DownloadError ? error.retryAfterSeconds : null
  const least = Math.min(RETRY_MAX, named ?? RETRY_MIN * 2 ** Math.min(attempt, 6))
  // Printers that were refused together must not come back together.
  return least * (1 + Math.random() / 2)
}

/** Removes what interrupted downloads of other files left. */
async function removeOthers(folder: string, sha256: string): Promise<void> {
  const others = (await readdir(folder)).filter(name => !name.startsWith(sha256))
  for (const name of others) await rm(join(folder, name), { force: true })
}

async function copyToOtherDisk(error: NodeJS.ErrnoException, from: string, to: string): Promise<void> {
  if (error.code !== 'EXDEV') throw error
  await copyFile(from, to, constants.COPYFILE_EXCL)
}
