// Fetches a picture from a camera: from a URL for single pictures, or the first one of a stream.
import { messageOf } from '../../core/errors.ts'
import { type HttpClient, HttpClientError } from '../../core/http-client.ts'
import { NoPicture, PictureReader } from './jpeg.ts'

/** How to fetch a picture. */
export interface SnapshotRequest {
  readonly url: string
  /** For all of it. */
  readonly timeoutSeconds: number
  /** Accept every certificate. */
  readonly insecure: boolean
  readonly signal: AbortSignal
}

/** Fetches one whole JPEG picture. Rejects with NoPicture; its message contains what was wrong. */
export async function takeSnapshot(http: HttpClient, request: SnapshotRequest): Promise<Buffer> {
  const { url, timeoutSeconds, insecure } = request
  if (!/^https?:\/\//i.test(url)) throw new NoPicture('the webcam has no snapshot URL of http or https')
  const limit = AbortSignal.timeout(timeoutSeconds * 1000)
  const signal = AbortSignal.any([limit, request.signal])
  try {
    return await read(http, { url, timeoutSeconds, signal, ...(insecure && { tls: { insecure } }) })
  } catch (error) {
    if (limit.aborted) throw new NoPicture(`no whole picture within ${timeoutSeconds} seconds`)
    if (error instanceof NoPicture) throw error
    if (error instanceof HttpClientError) throw new NoPicture(messageOf(error))
    throw error
  }
}

async function read(
  http: HttpClient,
  request: Omit<Parameters<HttpClient['open']>[0], 'idleSeconds'>,
): Promise<Buffer> {
  const response = await http.open({ ...request, idleSeconds: request.timeoutSeconds })
  try {
    if (response.status !== 200)
      throw new NoPicture(`the camera replied ${response.status} ${response.statusText}`.trim())
    const picture = new PictureReader()
    for await (const chunk of response.body) {
      const whole = picture.push(chunk)
      if (whole !== null) return whole
    }
    return picture.end()
  } finally {
    response.close()
  }
}
