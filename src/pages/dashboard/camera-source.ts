// Where the picture of a camera comes from, and in which form.
import type { Webcam } from './model.ts'

/** How a streamer and the page exchange the descriptions of both sides: by WHEP, or as camera-streamer does it. */
export type Signalling = 'whep' | 'camera-streamer'

/** A form in which the page shows a camera. */
export type Source =
  | { readonly kind: 'stream' | 'picture' | 'hls'; readonly url: string }
  | { readonly kind: 'peer'; readonly url: string; readonly signalling: Signalling }

/** Services whose stream is a sequence of JPEG pictures, which an image shows. */
const MJPEG = ['mjpegstreamer', 'uv4l-mjpeg', 'ipstream']

/** Services with video by WebRTC: the address of the signalling for that of the stream. */
const PEERS: Readonly<Record<string, (stream: URL) => Extract<Source, { kind: 'peer' }>>> = {
  'webrtc-camerastreamer': ({ href }) => ({ kind: 'peer', url: href, signalling: 'camera-streamer' }),
  'webrtc-mediamtx'(stream) {
    const { pathname, search } = stream
    const folder = pathname.endsWith('/') ? pathname : `${pathname}/`
    return { kind: 'peer', url: new URL(`${folder}whep${search}`, stream).href, signalling: 'whep' }
  },
  'webrtc-go2rtc': stream => ({
    kind: 'peer',
    url: new URL(`api/webrtc${stream.search}`, stream).href,
    signalling: 'whep',
  }),
}

/** The first parts of the paths of the API: `apiTops()` of the contract, which is too large for this page. */
export const API_TOPS: ReadonlySet<string> = new Set(
  (
    'access api debug docs fleet healthz klippysocket machine metrics openapi.json openrpc.json printer readyz server ' +
    'sockjs websocket welcome workshop'
  ).split(' '),
)

/**
 * Whether requests with the user's credentials may go to a camera at `url`: on the server of the page, and not to its API or
 * that of a neighbour in a workshop. Users with fewer rights, and cameras themselves, name addresses.
 */
export function mayBeCamera(url: URL, page: URL): boolean {
  if (url.origin !== page.origin) return false
  const base = new URL('.', page).pathname
  const isBelow = url.pathname.startsWith(base)
  try {
    const path = decodeURIComponent(url.pathname.slice(isBelow ? base.length : 0))
    const parts = path.split('/').filter(part => part !== '')
    return !parts.slice(0, isBelow ? 1 : 2).some(part => API_TOPS.has(part.toLowerCase()))
  } catch {
    return false
  }
}

/** The address of the page, and what its browser can show. */
export interface Place {
  readonly page: URL
  readonly playsHls: boolean
  readonly playsPeers: boolean
}

/**
 * The sources of a camera in the order in which the page tries them: video before pictures. A relative address is on this
 * server, which serves cameras of `[frontend NAME]`, or on port 80 of its machine. Video by WebRTC is from this server only: the
 * page sends requests to no other.
 */
export function sourcesOf(webcam: Webcam, place: Place): readonly Source[] {
  const { page } = place
  const sources = [page.href, `${page.protocol}//${page.hostname}/`].flatMap(base =>
    sourcesAt(base, webcam, place),
  )
  return sources.filter(({ url }, index) => sources.findIndex(other => other.url === url) === index)
}

function sourcesAt(base: string, webcam: Webcam, { page, playsHls, playsPeers }: Place): Source[] {
  const { service } = webcam
  const stream = addressOf(webcam.stream_url, base)
  const picture = addressOf(webcam.snapshot_url, base)
  if (stream !== undefined && MJPEG.includes(service)) return [{ kind: 'stream', url: stream.href }]
  const peer = Object.hasOwn(PEERS, service) ? PEERS[service] : undefined
  const sources: Source[] = []
  if (stream !== undefined && mayBeCamera(stream, page) && playsPeers && peer !== undefined) {
    sources.push(peer(stream))
  }
  if (stream !== undefined && playsHls && service === 'hlsstream')
    sources.push({ kind: 'hls', url: stream.href })
  if (picture !== undefined) sources.push({ kind: 'picture', url: picture.href })
  return sources
}

/** The address of the stream of a camera, to open it; undefined if it is none of HTTP. */
export function streamOf({ stream_url }: Webcam, { page }: Place): string | undefined {
  return addressOf(stream_url, page.href)?.href
}

/** An address of HTTP; undefined for another one. */
function addressOf(text: string, base: string): URL | undefined {
  if (text === '' || !URL.canParse(text, base)) return undefined
  const url = new URL(text, base)
  return /^https?:$/.test(url.protocol) ? url : undefined
}
