// The cameras: streams of JPEG pictures, or single pictures where the stream has another form.
import { apiBase } from '../shared/address.ts'
import { button, element, setText } from '../shared/dom.ts'
import type { Actions } from './actions.ts'
import type { Model, Webcam } from './model.ts'
import type { Panel } from './panel.ts'

/** Kinds of streams that are a sequence of JPEG pictures, which an image shows. */
const MJPEG = ['mjpegstreamer', 'uv4l-mjpeg', 'ipstream']
/** Milliseconds between single pictures, and before another attempt after an error. */
const PERIOD = 1000
const RETRY = 5000

/** Where the picture of a camera comes from. */
interface Source {
  readonly url: string
  readonly isStream: boolean
}

export class CameraPanel implements Panel {
  readonly element: HTMLElement
  readonly #actions: Actions
  readonly #image = element('img', { alt: '' })
  readonly #note = element('p', { class: 'faint' })
  readonly #choice = element('div', { class: 'choice-row' })
  readonly #link = element('a', { target: '_blank', rel: 'noreferrer' }, 'Open the stream')
  #webcams: readonly Webcam[] = []
  #shown: Webcam | null = null
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
      element('div', { class: 'view' }, this.#image),
      this.#note,
      this.#link,
    )
    this.#image.addEventListener('load', () => this.#loaded())
    this.#image.addEventListener('error', () => this.#failed())
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
    const buttons = all.map(each =>
      button(each.name, () => this.#show(each, all), {
        class: 'small',
        'aria-pressed': String(each === webcam),
      }),
    )
    this.#choice.replaceChildren(...(all.length > 1 ? buttons : []))
    this.#image.alt = webcam === null ? '' : `Camera ${webcam.name}`
    const turned = webcam === null ? '' : `turn-${webcam.rotation}`
    this.#image.className = [
      turned,
      webcam?.flip_horizontal === true ? 'flip-x' : '',
      webcam?.flip_vertical === true ? 'flip-y' : '',
    ].join(' ')
    this.#start()
  }

  #start(): void {
    clearTimeout(this.#timer)
    const webcam = this.#shown
    const [source, target] = webcam === null ? [] : sourceOf(webcam, this.#attempt)
    this.#link.hidden = source !== undefined || target === undefined
    if (target !== undefined) this.#link.href = target
    this.#image.hidden = true
    setText(
      this.#note,
      source === undefined ? 'This page cannot show the stream of this camera.' : 'Loading the picture',
    )
    this.#note.hidden = false
    if (source === undefined || document.hidden) this.#image.removeAttribute('src')
    else void this.#load(source)
  }

  /** Loads a picture under another address each time, so that the browser does not show the one it has. */
  async #load({ url }: Source): Promise<void> {
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

  #loaded(): void {
    this.#image.hidden = false
    this.#note.hidden = true
    const source = this.#shown === null ? undefined : sourceOf(this.#shown, this.#attempt)[0]
    if (source === undefined || source.isStream) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (!document.hidden) void this.#load(source)
    }, PERIOD)
  }

  #failed(): void {
    if (!this.#image.hasAttribute('src')) return
    this.#image.hidden = true
    this.#note.hidden = false
    setText(this.#note, 'The camera sends no picture. Its address and its streamer are the places to look.')
    this.#attempt += 1
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#start(), this.#attempt % 2 === 1 ? 0 : RETRY)
  }
}

/**
 * The picture of a camera, and the address of its stream. A relative address is on this server, which serves cameras of
 * `[frontend NAME]`, or on port 80 of its machine: attempts alternate.
 */
function sourceOf(webcam: Webcam, attempt: number): [Source | undefined, string | undefined] {
  const base = attempt % 2 === 0 ? location.href : `${location.protocol}//${location.hostname}/`
  const at = (url: string) => {
    if (url === '' || !URL.canParse(url, base)) return undefined
    const { protocol, href } = new URL(url, base)
    return /^https?:$/.test(protocol) ? href : undefined
  }
  const stream = at(webcam.stream_url)
  const picture = at(webcam.snapshot_url)
  if (stream !== undefined && MJPEG.includes(webcam.service)) return [{ url: stream, isStream: true }, stream]
  return [picture === undefined ? undefined : { url: picture, isStream: false }, stream]
}
