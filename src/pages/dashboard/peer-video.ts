// Video of a camera by WebRTC. Only a page that shows such a camera loads it. The parts of a connection find each other in the
// local network: no server of the internet takes part.

import { mayBeCamera, type Signalling } from './camera-source.ts'

export interface PeerVideoOptions {
  readonly url: string
  readonly signalling: Signalling
  /** Returns the headers of requests, which identify the user. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>
  /** Called when the video ends, or does not start. */
  readonly failed: () => void
}

/** The content of a request. */
interface Content {
  readonly type: string
  readonly body: string
}

/** Milliseconds in which the addresses of this device must be known, and in which the video must start. */
const GATHERING = 2000
const START = 8000

/** A video that runs until it is closed. */
export class PeerVideo {
  readonly #options: PeerVideoOptions
  readonly #peer = new RTCPeerConnection()
  readonly #target: HTMLVideoElement
  readonly #limit: ReturnType<typeof setTimeout>
  /** The address of a WHEP session, which the client ends. */
  #session: string | null = null
  #isClosed = false

  /** Starts the video in an element. */
  constructor(target: HTMLVideoElement, options: PeerVideoOptions) {
    this.#target = target
    this.#options = options
    this.#limit = setTimeout(() => this.#fail(), START)
    this.#peer.addEventListener('track', ({ track, streams: [stream] }) => {
      target.srcObject = stream ?? new MediaStream([track])
    })
    this.#peer.addEventListener('connectionstatechange', () => {
      const { connectionState: state } = this.#peer
      if (state === 'connected') clearTimeout(this.#limit)
      if (state === 'failed' || state === 'disconnected') this.#fail()
    })
    const start = options.signalling === 'whep' ? this.#startWhep() : this.#startCameraStreamer()
    start.catch(() => this.#fail())
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#limit)
    this.#peer.close()
    this.#target.srcObject = null
    if (this.#session !== null) void this.#request('DELETE', this.#session).catch(() => {})
  }

  #fail(): void {
    if (this.#isClosed) return
    this.close()
    this.#options.failed()
  }

  /** https://www.ietf.org/archive/id/draft-ietf-wish-whep-02.html: the client offers, and the streamer answers. */
  async #startWhep(): Promise<void> {
    const { url } = this.#options
    this.#peer.addTransceiver('video', { direction: 'recvonly' })
    await this.#peer.setLocalDescription(await this.#peer.createOffer())
    const sdp = await this.#gathered()
    const response = await this.#request('POST', url, { type: 'application/sdp', body: sdp })
    const location = response.headers.get('Location')
    const session = location === null ? null : URL.parse(location, url)
    if (session !== null && mayBeCamera(session, new URL(document.baseURI))) this.#session = session.href
    await this.#peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  }

  /** The streamer offers, and the client answers. */
  async #startCameraStreamer(): Promise<void> {
    const { id, sdp } = (await this.#post({ type: 'request' })) as {
      readonly id: string
      readonly sdp: string
    }
    await this.#peer.setRemoteDescription({ type: 'offer', sdp })
    await this.#peer.setLocalDescription(await this.#peer.createAnswer())
    await this.#post({ type: 'answer', id, sdp: await this.#gathered() })
  }

  async #post(message: object): Promise<unknown> {
    const content = { type: 'application/json', body: JSON.stringify(message) }
    return (await this.#request('POST', this.#options.url, content)).json()
  }

  async #request(method: string, url: string, content?: Content): Promise<Response> {
    const headers = {
      ...(await this.#options.headers()),
      ...(content !== undefined && { 'Content-Type': content.type }),
    }
    const response = await fetch(url, { method, headers, body: content?.body ?? null, cache: 'no-store' })
    if (!response.ok) throw new Error(`the streamer replied with status ${response.status}`)
    return response
  }

  /** Resolves with the description of this side once it contains its addresses. */
  async #gathered(): Promise<string> {
    const peer = this.#peer
    await new Promise<void>(resolve => {
      const check = () => {
        if (peer.iceGatheringState === 'complete') resolve()
      }
      peer.addEventListener('icegatheringstatechange', check)
      setTimeout(resolve, GATHERING)
      check()
    })
    return peer.localDescription?.sdp ?? ''
  }
}
