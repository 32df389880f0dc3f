// The printer: its state with the reason in words, and the print with its picture, progress and buttons.
import { button, element, setText } from '../shared/dom.ts'
import { baseName, duration, filament, moment, numberOf, percent, UNKNOWN } from '../shared/format.ts'
import { printerWord } from '../shared/words.ts'
import { type Actions, confirmAction } from './actions.ts'
import { layersOf, timesOf } from './job-facts.ts'
import { isPrinting, type Model, mayAct, printState, textOf } from './model.ts'
import type { Panel } from './panel.ts'
import { showThumbnail, thumbnailOf } from './thumbnail.ts'

const FACTS = ['Time left', 'Finish', 'Elapsed', 'Layer', 'Filament', 'Speed'] as const

export class PrintPanel implements Panel {
  readonly element: HTMLElement
  readonly #title = element('h2', { id: 'print-title' })
  readonly #reason = element('p', { class: 'reason name' })
  readonly #advice = element('p', { class: 'faint name' })
  readonly #picture = element('img', { class: 'picture', alt: '', hidden: '' })
  readonly #name = element('p', { class: 'file name' })
  readonly #message = element('p', { class: 'faint name' })
  readonly #percent = element('p', { class: 'percent' })
  readonly #bar = element('progress', { max: '1', 'aria-label': 'Progress of the print' })
  readonly #facts = new Map(FACTS.map(name => [name, element('dd')]))
  readonly #warnings = element('ul', { class: 'fit', hidden: '' })
  readonly #print: HTMLElement
  readonly #actions: Actions
  readonly #pause: HTMLButtonElement
  readonly #resume: HTMLButtonElement
  readonly #cancel: HTMLButtonElement
  readonly #again: HTMLButtonElement
  readonly #restarts: HTMLElement
  readonly #buttons: HTMLElement
  #file = ''
  #fileWarnings: unknown = null

  constructor(actions: Actions) {
    this.#actions = actions
    this.#pause = button('Pause', () => this.#run(this.#pause, 'printer.print.pause'))
    this.#resume = button('Resume', () => this.#run(this.#resume, 'printer.print.resume'), { class: 'main' })
    this.#cancel = button('Cancel', () => this.#confirmCancel(), { class: 'danger' })
    this.#again = button('Print again', () => this.#printAgain())
    const restart = button('Restart Klipper', () => this.#run(restart, 'printer.restart'))
    const firmware = button('Restart firmware', () => this.#run(firmware, 'printer.firmware_restart'), {
      class: 'main',
    })
    this.#restarts = element('div', { class: 'actions' }, firmware, restart)
    this.#buttons = element('div', { class: 'actions' }, this.#pause, this.#resume, this.#cancel, this.#again)
    const facts = [...this.#facts].map(([name, value]) => element('div', {}, element('dt', {}, name), value))
    this.#print = element(
      'div',
      { class: 'print' },
      this.#picture,
      element(
        'div',
        { class: 'print-text' },
        this.#name,
        this.#message,
        element('div', { class: 'progress' }, this.#bar, this.#percent),
        element('dl', { class: 'facts' }, ...facts),
      ),
    )
    this.element = element(
      'section',
      { class: 'card print-card', 'aria-labelledby': 'print-title' },
      this.#title,
      this.#reason,
      this.#advice,
      this.#restarts,
      this.#print,
      this.#warnings,
      this.#buttons,
    )
  }

  render(model: Model): void {
    const { info, connection, printer, about } = model
    const state = printState(model)
    const klippy = info?.klippy_state ?? 'disconnected'
    setText(this.#title, titleOf(model))
    // The message of a ready printer adds nothing.
    const reason = info === null || klippy === 'ready' ? '' : (printer?.state_message ?? '').trim()
    setText(this.#reason, reason)
    this.#reason.hidden = reason === ''
    const advice = adviceOf(model, about?.klippy_socket)
    setText(this.#advice, advice)
    this.#advice.hidden = advice === ''
    this.#restarts.hidden = !(mayAct(model) && ['shutdown', 'error'].includes(klippy))
    const isFileShown = state !== null && textOf(model.status.print_stats?.filename) !== ''
    this.#print.hidden = !isFileShown
    if (isFileShown) this.#renderPrint(model, state)
    this.#renderWarnings(isPrinting(model) ? model.metadata?.analysis : null)
    this.#buttons.hidden = !isFileShown || !mayAct(model)
    this.#pause.hidden = state !== 'printing'
    this.#resume.hidden = state !== 'paused'
    this.#cancel.hidden = !isPrinting(model)
    this.#again.hidden = isPrinting(model)
    this.element.classList.toggle('stale', connection === 'lost')
  }

  #renderPrint(model: Model, state: string): void {
    const { status, metadata } = model
    const stats = status.print_stats ?? {}
    this.#file = textOf(stats.filename)
    setText(this.#name, this.#file)
    const message = textOf(state === 'error' ? stats.message : status.display_status?.message)
    setText(this.#message, message)
    this.#message.hidden = message === ''
    showThumbnail(this.#picture, thumbnailOf(this.#file, metadata, 300))
    const { progress, left } = timesOf(model)
    this.#bar.value = progress ?? 0
    setText(this.#percent, percent(progress))
    const isRunning = isPrinting(model)
    const now = Date.now()
    const { layer, layers } = layersOf(model)
    const total = numberOf(metadata?.filament_total)
    const used = filament(stats.filament_used)
    const speed = numberOf(status.gcode_move?.speed_factor)
    this.#fact('Time left', isRunning ? duration(left) : null)
    this.#fact('Finish', state === 'printing' && left !== null ? moment(now + left * 1000, now) : null)
    this.#fact('Elapsed', duration(stats.total_duration))
    this.#fact('Layer', layer === null ? null : `${layer} of ${layers ?? UNKNOWN}`)
    this.#fact('Filament', total === null ? used : `${used.replace(/ m$/, '')} of ${filament(total)}`)
    this.#fact('Speed', speed === null || speed === 1 ? null : `${Math.round(speed * 100)} %`)
  }

  /** Shows a fact, or hides it for null. */
  #fact(name: (typeof FACTS)[number], text: string | null): void {
    const value = this.#facts.get(name)
    if (value === undefined) return
    setText(value, text ?? '')
    if (value.parentElement !== null) value.parentElement.hidden = text === null
  }

  #renderWarnings(analysis: unknown): void {
    if (analysis === this.#fileWarnings) return
    this.#fileWarnings = analysis
    const { warnings = [] } = (analysis ?? {}) as { warnings?: readonly unknown[] }
    this.#warnings.replaceChildren(...warnings.map(text => element('li', { class: 'name' }, String(text))))
    this.#warnings.hidden = warnings.length === 0
  }

  async #run(
    used: HTMLButtonElement,
    method:
      | 'printer.print.pause'
      | 'printer.print.resume'
      | 'printer.print.cancel'
      | 'printer.restart'
      | 'printer.firmware_restart',
  ): Promise<void> {
    used.disabled = true
    await this.#actions.run(client => client.call(method))
    used.disabled = false
  }

  async #confirmCancel(): Promise<void> {
    const isConfirmed = await confirmAction({
      title: 'Cancel the print?',
      text: `${baseName(this.#file)} cannot be continued afterwards.`,
      action: 'Cancel the print',
    })
    if (isConfirmed) await this.#run(this.#cancel, 'printer.print.cancel')
  }

  async #printAgain(): Promise<void> {
    this.#again.disabled = true
    await this.#actions.run(client => client.call('printer.print.start', { filename: this.#file }))
    this.#again.disabled = false
  }
}

function titleOf(model: Model): string {
  const { connection, info } = model
  if (connection === 'refused') return 'Log in to see the printer'
  if (info === null) return 'Connecting to the server'
  const { text } = printerWord(info.klippy_state, printState(model))
  return text === 'Ready' ? 'The printer is ready' : text
}

/** What to do in a state that is not for prints. */
function adviceOf(model: Model, socket: string | undefined): string {
  const { info, jobs } = model
  if (info === null) return ''
  if (info.klippy_state === 'disconnected') {
    return `The server keeps trying to connect to ${socket ?? 'Klipper'}. If Klipper runs, compare this path with its option -a; the server's option is klippy_uds_address in section [server] of moonraker.conf.`
  }
  if (info.klippy_state !== 'ready' || textOf(model.status.print_stats?.filename) !== '') return ''
  if (!mayAct(model)) return ''
  return jobs?.length === 0
    ? 'No prints yet: drop a G-code file here.'
    : 'Drop a G-code file anywhere on this page to print it.'
}
