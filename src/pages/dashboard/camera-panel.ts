// The cameras: streams of JPEG pictures, video by WebRTC or HLS, or single pictures where the stream has another form.
import { apiBase } from '../shared/address.ts'
import { storedLogin } from '../shared/credentials.ts'
import { button, element, setText } from '../shared/dom.ts'
import type { Actions } from './actions.ts'
import { type Place, type Source, sourcesOf, streamOf } from './camera-source.ts'
import type { Model, Webcam } from './model.ts'
import type { Panel } from './panel.ts'
import type { PeerVideo } from './peer-video.ts'

/** Milliseconds between single pictures, and before another attempt after every source has failed. */
const PERIOD = 1000
const RETRY = 5000

export class CameraPanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #image = element('img', { alt: '' })
  readonly #video = element('video', { autoplay: '', playsinline: '' })
  readonly #note = element('p', { class: 'faint' })
  readonly #choice = element('div', { class: 'choice-row' })
  readonly #link = element('a', { target: '_blank', rel: 'noreferrer' }, 'Open the stream')
  readonly #place: Place
  #webcams: readonly Webcam[] = []
  #shown: Webcam | null = null
  /** The sources of the shown camera, and the one in use. */
  #sources: readonly Source[] = []
  #source: Source | undefined
  #peer: PeerVideo | null = null
  #connection: Model['connection'] = 'connecting'
  #attempt = 0
  /** Whether pictures of this server need a token: the browser sends no login with them. */
  #needsToken = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(actions: Actions) {
    this.#actions = actions
    this.element = element(
      'section',
      { class: 'card camera', 'aria-labelledby': 'camera-title', hidden: '' },
      element('div', { class: 'head' }, element('h2', { id: 'camera-title' }, 'Camera'), this.#choice),
      element('div', { class: 'view' }, this.#image, this.#video),
      this.#note,
      this.#link,
    )
    this.#place = {
      page: new URL(location.href),
      playsHls: this.#video.canPlayType('application/vnd.apple.mpegurl') !== '',
      playsPeers: 'RTCPeerConnection' in window,
    }
    this.#video.muted = true
    this.#image.addEventListener('load', () => this.#loaded(this.#image))
    this.#video.addEventListener('loadeddata', () => this.#loaded(this.#video))
    for (const view of [this.#image, this.#video]) {
      view.addEventListener('error', () => {
        if (view.hasAttribute('src')) this.#failed()
      })
    }
    // A page that is not seen loads no pictures.
    document.addEventListener('visibilitychange', () => this.#start())
  }

  render({ webcams, connection, user }: Model): void {
    this.#needsToken = user !== null && user.username !== '_TRUSTED_USER_'
    // A stream that breaks off is no error of an image.
    const isBack = connection === 'open' && this.#connection !== 'open'
    this.#connection = connection
    if (webcams === this.#webcams) {
      if (isBack) this.#start()
      return
    }
    this.#webcams = webcams
    const enabled = webcams.filter(webcam => webcam.enabled)
    this.element.hidden = enabled.length === 0
    this.#show(enabled.find(({ uid }) => uid === this.#shown?.uid) ?? enabled[0] ?? null, enabled)
  }

  #show(webcam: Webcam | null, all: readonly Webcam[]): void {
    this.#shown = webcam
    this.#attempt = 0
    this.#sources = webcam === null ? [] : sourcesOf(webcam, this.#place)
    const buttons = all.map(each =>
      button(each.name, () => this.#show(each, all), {
        class: 'small',
        'aria-pressed': String(each === webcam),
      }),
    )
    this.#choice.replaceChildren(...(all.length > 1 ? buttons : []))
    this.#image.alt = webcam === null ? '' : `Camera ${webcam.name}`
    this.#video.setAttribute('aria-label', this.#image.alt)
    const turned = webcam === null ? '' : `turn-${webcam.rotation}`
    const classes = [
      turned,
      webcam?.flip_horizontal === true ? 'flip-x' : '',
      webcam?.flip_vertical === true ? 'flip-y' : '',
    ].join(' ')
    for (const view of [this.#image, this.#video]) view.className = classes
    this.#start()
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#peer?.close()
    this.#peer = null
    const source = this.#sources[this.#attempt % this.#sources.length]
    const stream = this.#shown === null ? undefined : streamOf(this.#shown, this.#place)
    this.#source = document.hidden ? undefined : source
    this.#link.hidden = source !== undefined || stream === undefined
    if (stream !== undefined) this.#link.href = stream
    this.#hideViews()
    setText(
      this.#note,
      source === undefined ? 'This page cannot show the stream of this camera.' : 'Loading the picture',
    )
    if (this.#source?.kind !== 'stream' && this.#source?.kind !== 'picture') {
      this.#image.removeAttribute('src')
    }
    if (this.#source?.kind !== 'hls') this.#video.removeAttribute('src')
    if (this.#source !== undefined) void this.#load(this.#source)
  }

  #hideViews(): void {
    this.#image.hidden = true
    this.#video.hidden = true
    this.#note.hidden = false
  }

  async #load(source: Source): Promise<void> {
    if (source.kind === 'peer') return this.#loadPeer(source)
    if (source.kind === 'hls') this.#video.src = source.url
    else await this.#loadPicture(source.url)
  }

  async #loadPeer(source: Extract<Source, { kind: 'peer' }>): Promise<void> {
    const { PeerVideo } = await import('./peer-video.ts')
    // The user may have chosen another camera meanwhile.
    if (this.#source !== source) return
    this.#peer = new PeerVideo(this.#video, {
      ...source,
      headers: async () => {
        const token = await storedLogin(apiBase().href)?.token()
        return token === undefined ? {} : { Authorization: `Bearer ${token}` }
      },
      failed: () => this.#failed(),
    })
  }

  /** Loads a picture under another address each time, so that the browser does not show the one it has. */
  async #loadPicture(url: string): Promise<void> {
    const address = new URL(url)
    address.searchParams.set('time', String(Date.now()))
    if (this.#needsToken && address.origin === apiBase().origin) {
      const isDone = await this.#actions.run(async client => {
        address.searchParams.set('token', await client.call('access.oneshot_token'))
      })
      if (!isDone) return
    }
    this.#image.src = address.href
  }

  #loaded(view: HTMLElement): void {
    view.hidden = false
    this.#note.hidden = true
    const source = this.#source
    if (source?.kind !== 'picture') return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (!document.hidden) void this.#loadPicture(source.url)
    }, PERIOD)
  }

  #failed(): void {
    this.#hideViews()
    setText(this.#note, 'The camera sends no picture. Its address and its streamer are the places to look.')
    this.#attempt += 1
    clearTimeout(this.#timer)
    const isLast = this.#attempt % this.#sources.length === 0
    this.#timer = setTimeout(() => this.#start(), isLast ? RETRY : 0)
  }
}
