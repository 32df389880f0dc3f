// The state of an interrupted download, in a file next to its part.
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'

/** The point at which a download can be resumed. */
export interface DownloadState {
  /** Bytes of the part that were synced to the disk. */
  readonly bytes: number
  /** The ETag or Last-Modified of the file; if it has changed, the server sends the whole file. */
  readonly validator: string
}

const stateFile = (part: string) => `${part}.json`

/** Null if the part cannot be resumed: missing, from another URL, or without a valid state. */
export async function readState(part: string, url: string): Promise<DownloadState | null> {
  try {
    const state: unknown = JSON.parse(await readFile(stateFile(part), 'utf8'))
    const { size } = await stat(part)
    return isState(state) && state.url === url && state.bytes <= size ? state : null
  } catch {
    return null
  }
}

function isState(value: unknown): value is DownloadState & { readonly url: string } {
  const { url, bytes, validator } = (value ?? {}) as Record<string, unknown>
  return typeof url === 'string' && Number.isSafeInteger(bytes) && typeof validator === 'string'
}

/** Stores that `bytes` of the part are on the disk. Without a validator the rest cannot be requested. */
export async function writeState(
  part: string,
  url: string,
  headers: IncomingHttpHeaders,
  bytes: number,
): Promise<void> {
  const { etag, 'last-modified': modified } = headers
  const validator = etag?.startsWith('W/') === false ? etag : modified
  if (validator === undefined) await removeState(part)
  else await writeFile(stateFile(part), JSON.stringify({ url, bytes, validator }))
}

/** Removes the state of a part. */
export async function removeState(part: string): Promise<void> {
  await rm(stateFile(part), { force: true })
}
