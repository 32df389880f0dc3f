// The temperatures: the current values, and a plot of the last 20 minutes.
import { element, setText, svg } from '../shared/dom.ts'
import { numberOf, temperature, UNKNOWN } from '../shared/format.ts'
import type { Model, Series } from './model.ts'
import type { Panel } from './panel.ts'
import { linePath, scaleOf } from './plot.ts'

/** Minutes that the plot may show: the fewest that have all values, with one value a second. */
const SPANS = [5, 10, 20] as const
/** Values that the page keeps of each sensor. */
const KEPT = SPANS[2] * 60
/** Lines that have a colour of their own. */
const COLOURS = 8
/** Names that people use, of sensors that have a fixed name. */
const NAMES: Readonly<Record<string, string>> = { extruder: 'Nozzle', heater_bed: 'Bed' }

/** A sensor on the page. */
interface Row {
  readonly name: string
  readonly current: HTMLElement
  readonly target: HTMLElement
  readonly line: SVGPathElement
  readonly targetLine: SVGPathElement
  temperatures: (number | null)[]
  targets: (number | null)[]
}

/** The name of a sensor for people: `temperature_sensor raspberry_pi` is `raspberry pi`. */
function nameOf(sensor: string): string {
  const name = NAMES[sensor] ?? sensor.replace(/^(temperature_sensor|temperature_fan|heater_generic) /, '')
  const spaced = name.replaceAll('_', ' ').replace(/^extruder(\d+)$/, 'Nozzle $1')
  return spaced.charAt(0).toUpperCase() + spaced.slice(1)
}

export class TemperaturePanel implements Panel {
  readonly element: HTMLElement
  readonly #list = element('ul', { class: 'sensors' })
  readonly #plot = svg('svg', { preserveAspectRatio: 'none', role: 'img' })
  readonly #lines = svg('g')
  readonly #grid = svg('path', { class: 'grid' })
  readonly #scale = element('div', { class: 'scale', 'aria-hidden': 'true' })
  readonly #times = element('div', { class: 'times', 'aria-hidden': 'true' })
  readonly #empty = element('p', { class: 'faint' }, 'No temperatures: Klipper is not ready.')
  readonly #figure: HTMLElement
  #rows: Row[] = []
  #stored: Model['temperatures'] = {}
  #model: Model | null = null

  constructor() {
    this.#plot.append(this.#grid, this.#lines)
    this.#figure = element('figure', { class: 'plot' }, this.#scale, this.#plot, this.#times)
    this.element = element(
      'section',
      { class: 'card', 'aria-labelledby': 'temperatures-title' },
      element('h2', { id: 'temperatures-title' }, 'Temperatures'),
      this.#list,
      this.#empty,
      this.#figure,
    )
    setInterval(() => this.#sample(), 1000)
  }

  render(model: Model): void {
    this.#model = model
    if (model.temperatures !== this.#stored) this.#load(model.temperatures)
    const isEmpty = this.#rows.length === 0
    this.element.hidden = model.info === null
    this.#empty.hidden = !isEmpty
    this.#figure.hidden = isEmpty
    this.element.classList.toggle(
      'stale',
      model.connection === 'lost' || model.info?.klippy_state !== 'ready',
    )
    for (const { name, current, target } of this.#rows) {
      const values = model.status[name]
      setText(current, temperature(values?.temperature))
      const wanted = numberOf(values?.target)
      setText(target, wanted === null ? '' : wanted === 0 ? 'off' : `→ ${Math.round(wanted)}°`)
    }
  }

  /** Shows the stored temperatures of the server. */
  #load(stored: Model['temperatures']): void {
    this.#stored = stored
    this.#rows = Object.entries(stored)
      .sort(([a], [b]) => orderOf(a) - orderOf(b))
      .map(([name, series], index) => rowOf(name, series, index % COLOURS))
    this.#list.replaceChildren(
      ...this.#rows.map(({ name, current, target }, index) =>
        element(
          'li',
          { class: `line-${index % COLOURS}` },
          element('span', { class: 'sensor name' }, nameOf(name)),
          current,
          target,
        ),
      ),
    )
    this.#lines.replaceChildren(...this.#rows.flatMap(({ targetLine, line }) => [targetLine, line]))
    this.#draw()
  }

  /** Adds the current values. A hidden page loads them again when it is seen. */
  #sample(): void {
    const { connection, info, status } = this.#model ?? {}
    if (document.hidden || connection !== 'open' || info?.klippy_state !== 'ready') return
    for (const row of this.#rows) {
      const values = status?.[row.name]
      row.temperatures = [...row.temperatures.slice(1 - KEPT), numberOf(values?.temperature)]
      row.targets = [...row.targets.slice(1 - KEPT), numberOf(values?.target)]
    }
    this.#draw()
  }

  #draw(): void {
    const longest = Math.max(0, ...this.#rows.map(({ temperatures }) => temperatures.length))
    const minutes = SPANS.find(span => span * 60 >= longest) ?? SPANS[2]
    const length = minutes * 60
    this.#plot.setAttribute('viewBox', `0 0 ${length} 100`)
    showTexts(this.#times, [`${minutes} min`, `${minutes / 2}`, 'now'])
    const { top, marks } = scaleOf(this.#rows.flatMap(row => [row.temperatures, row.targets]))
    for (const { temperatures, targets, line, targetLine } of this.#rows) {
      line.setAttribute('d', linePath(temperatures, length, top))
      targetLine.setAttribute(
        'd',
        linePath(
          targets.map(target => target || null),
          length,
          top,
        ),
      )
    }
    this.#grid.setAttribute('d', marks.map(mark => `M0 ${100 - (mark / top) * 100}h${length}`).join(''))
    showTexts(
      this.#scale,
      [...marks].reverse().map(mark => `${mark}°`),
    )
    const values = this.#rows.map(({ name, temperatures }) => {
      const last = temperatures.at(-1)
      return `${nameOf(name)} ${last == null ? UNKNOWN : temperature(last, 0)}`
    })
    this.#plot.setAttribute(
      'aria-label',
      `Temperatures of the last ${minutes} minutes; now ${values.join(', ')}`,
    )
  }
}

/** Nozzles come first, then the bed, then all others. */
function orderOf(sensor: string): number {
  if (/^extruder\d*$/.test(sensor)) return 0
  return sensor === 'heater_bed' ? 1 : 2
}

/** Shows one text in each span of an element, if they differ. */
function showTexts(target: HTMLElement, texts: readonly string[]): void {
  if (target.textContent === texts.join('')) return
  target.replaceChildren(...texts.map(text => element('span', {}, text)))
}

function rowOf(name: string, { temperatures, targets = [] }: Series, colour: number): Row {
  return {
    name,
    current: element('b', {}),
    target: element('span', { class: 'faint' }),
    line: svg('path', { class: `line line-${colour}` }),
    targetLine: svg('path', { class: `line target line-${colour}` }),
    temperatures: temperatures.slice(-KEPT),
    targets: targets.slice(-KEPT),
  }
}
