// The dashboard: arranges its panels, and shows the model of the connection in them.
import { byId, element } from '../shared/dom.ts'
import { Actions } from './actions.ts'
import { CameraPanel } from './camera-panel.ts'
import { Head } from './head.ts'
import { HistoryPanel } from './history-panel.ts'
import { LinksPanel } from './links-panel.ts'
import { Live } from './live.ts'
import { NoticePanel } from './notice-panel.ts'
import type { Panel } from './panel.ts'
import { PrintPanel } from './print-panel.ts'
import { QueuePanel } from './queue-panel.ts'
import { TemperaturePanel } from './temperature-panel.ts'
import { UploadPanel } from './upload-panel.ts'

/** Milliseconds after which times that count minutes are shown again. */
const MINUTES = 15_000

/** The columns of panels for a width of the page. */
interface Layout {
  readonly fits: MediaQueryList
  readonly columns: readonly (readonly Panel[])[]
}

class Dashboard {
  readonly #live = new Live(() => this.#schedule())
  readonly #actions = new Actions(() => this.#live.client)
  readonly #head = new Head(this.#live, this.#actions)
  readonly #panels: readonly Panel[]
  readonly #layouts: readonly Layout[]
  #frame = 0

  constructor() {
    const actions = this.#actions
    const notices = new NoticePanel(actions)
    const print = new PrintPanel(actions)
    const camera = new CameraPanel(actions)
    const temperatures = new TemperaturePanel()
    const upload = new UploadPanel(actions)
    const queue = new QueuePanel(actions)
    const history = new HistoryPanel(actions)
    const links = new LinksPanel(actions)
    const threeColumns = [
      [notices, print, history],
      [temperatures, upload, queue],
      [camera, links],
    ]
    const twoColumns = [
      [notices, print, temperatures, upload, history],
      [camera, queue, links],
    ]
    this.#panels = [notices, print, camera, temperatures, upload, queue, history, links]
    this.#layouts = [
      { fits: matchMedia('(min-width: 96rem)'), columns: threeColumns },
      { fits: matchMedia('(min-width: 56rem)'), columns: twoColumns },
      { fits: matchMedia('all'), columns: [this.#panels] },
    ]
  }

  /** Shows the page, connects, and stays connected. */
  async start(): Promise<void> {
    for (const { fits } of this.#layouts) fits.addEventListener('change', () => this.#arrange())
    this.#arrange()
    document.body.append(this.#actions.element)
    this.#render()
    document.addEventListener('visibilitychange', () => {
      this.#schedule()
      if (!document.hidden) void this.#live.seen()
    })
    setInterval(() => this.#schedule(), MINUTES)
    await this.#live.start()
  }

  /** Moves the panels in the document itself, so that keyboards and screen readers follow what is seen. */
  #arrange(): void {
    const columns = this.#layouts.find(({ fits }) => fits.matches)?.columns ?? []
    byId('main', HTMLElement).replaceChildren(
      ...columns.map(panels => element('div', { class: 'column' }, ...panels.map(panel => panel.element))),
    )
  }

  /** Renders once for all changes before the next frame. A hidden page has no frames: only its title is seen. */
  #schedule(): void {
    if (document.hidden) this.#head.render(this.#live.model)
    else if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#render())
  }

  #render(): void {
    this.#frame = 0
    const { model } = this.#live
    this.#head.render(model)
    for (const panel of this.#panels) panel.render(model)
  }
}

void new Dashboard().start()
