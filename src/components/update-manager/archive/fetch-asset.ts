// Downloads an asset of a release, with the messages of Moonraker.
import { STATUS_CODES } from 'node:http'
import { DownloadError, download } from '../../../core/download.ts'
import { ApiError } from '../../../core/errors.ts'
import { type HttpClient, HttpClientError } from '../../../core/http-client.ts'
import type { UpdateRun } from '../updater.ts'

/** What is downloaded. */
export interface AssetSource {
  readonly url: string
  readonly contentType: string
  /** In bytes; 0 if it is not known. */
  readonly size: number
  /** As `sha256:` and hexadecimal digits; null if the release API does not give it. */
  readonly digest: string | null
}

const MAX_BYTES = 1024 * 1024 * 1024
/** The longest time without progress. */
const IDLE_SECONDS = 30

/**
 * Downloads an asset to `file`, and checks its size and digest. An interrupted download is resumed by the next one.
 * Rejects with ApiError, and with the reason of the run's signal.
 */
export async function fetchAsset(
  client: HttpClient,
  asset: AssetSource,
  file: string,
  run: UpdateRun,
): Promise<void> {
  let shown = -1
  const onProgress = (bytes: number, total: number | null) => {
    const size = total ?? asset.size
    if (size === 0) return
    const percent = Math.floor((bytes / size) * 100)
    if (percent === shown) return
    shown = percent
    run.progress(bytes / size)
    run.message(`Downloading ${run.application}: ${kibibytes(bytes)} / ${kibibytes(size)} [${percent}%]`)
  }
  const checksum = sha256Of(asset.digest)
  try {
    await download(client, {
      url: asset.url,
      file,
      headers: { Accept: asset.contentType, 'User-Agent': 'Moonraker' },
      maxBytes: MAX_BYTES,
      ...(asset.size > 0 && { expectedBytes: asset.size }),
      ...(checksum !== null && { checksum: { algorithm: 'sha256', digest: checksum } }),
      idleSeconds: IDLE_SECONDS,
      onProgress,
      signal: run.signal,
    })
  } catch (error) {
    run.signal.throwIfAborted()
    throw new ApiError(500, problemOf(error), { cause: error })
  }
}

function kibibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024)} KiB`
}

function sha256Of(digest: string | null): string | null {
  return /^sha256:([\da-f]{64})$/i.exec(digest ?? '')?.[1] ?? null
}

/** The reason in Moonraker's words where it has some. */
function problemOf(error: unknown): string {
  if (error instanceof DownloadError && error.status !== null)
    return `HTTP ${error.status}: ${STATUS_CODES[error.status] ?? 'Unknown'}`
  if (error instanceof HttpClientError) {
    const { code, message } = (error.cause ?? {}) as NodeJS.ErrnoException
    if (code === 'ECONNRESET') return message === 'aborted' ? 'Connection closed' : 'Stream closed'
  }
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return 'The disk is full'
  return error instanceof Error ? error.message : String(error)
}
