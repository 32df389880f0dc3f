// What a print file needs that the machine cannot do: ranges, temperatures, tools, commands.
import type { Machine } from './machine.ts'
import type { Problem } from './print-motion.ts'
import type { PrintMove } from './print-move.ts'

/** The most names of commands and tools that are kept, and shown in one warning. */
const MOST_NAMES = 200
const MOST_SHOWN = 12
/** mm beyond the range that still count as inside. */
const TOLERANCE = 0.001
/** Klipper ignores these where it does not know them, without a message. */
const SILENTLY_IGNORED = new Set(['M21', 'M105', 'M107', 'G0', 'G1'])

const PROBLEMS: Readonly<Record<Problem, string>> = {
  'thick line':
    'A line is thicker than max_extrude_cross_section of the extruder allows: Klipper will stop the print',
  'long extrusion':
    'A move of the filament is longer than max_extrude_only_distance of the extruder allows: Klipper will stop the print',
  'relative arc':
    'An arc (G2, G3) is in relative coordinates, which Klipper does not support: it will stop the print',
  'arc by radius':
    'An arc (G2, G3) is given by its radius, which Klipper does not support: it will stop the print',
  'arc without centre': 'An arc (G2, G3) has no centre (I, J, K): Klipper will stop the print',
  number: 'A move contains a number that Klipper cannot use: it will stop the print',
}

export class Findings {
  readonly #machine: Machine
  /** The commands that Klipper knows, in capitals; null where that is not known. */
  readonly #knownCommands: ReadonlySet<string> | null
  readonly #problems = new Set<Problem>()
  readonly #commands = new Set<string>()
  readonly #tools = new Set<number>()
  readonly #heaters = new Map<string, number>()
  #hasArcs = false
  /** Axes whose position is certain: it was given in absolute coordinates, or by homing. */
  readonly #isKnown = [false, false, false]
  readonly #low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  readonly #high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  #radius = 0

  constructor(machine: Machine, knownCommands: readonly string[] | null) {
    this.#machine = machine
    this.#knownCommands = knownCommands && new Set(knownCommands)
  }

  rejected(problem: Problem): void {
    this.#problems.add(problem)
  }

  command(name: string): void {
    if (this.#commands.size < MOST_NAMES) this.#commands.add(name)
  }

  /** A command Tn. */
  tool(index: number): void {
    if (this.#tools.size < MOST_NAMES) this.#tools.add(index)
  }

  arc(): void {
    this.#hasArcs = true
  }

  homed(axes: string): void {
    for (const [index, axis] of ['x', 'y', 'z'].entries())
      if (axes.includes(axis)) this.#isKnown[index] = true
  }

  /** The words of a move that is about to be planned. */
  noteWords(words: Float64Array, absolute: boolean): void {
    if (!absolute) return
    for (let axis = 0; axis < 3; axis++) if (!Number.isNaN(words[axis]!)) this.#isKnown[axis] = true
  }

  /** The end of a move, in machine coordinates. */
  moved(move: PrintMove): void {
    if (!move.kinematic) return
    const x = move.startX + move.dx
    const y = move.startY + move.dy
    if (this.#isKnown[0]) this.#reach(0, x)
    if (this.#isKnown[1]) this.#reach(1, y)
    if (this.#isKnown[2]) this.#reach(2, move.startZ + move.dz)
    if (this.#isKnown[0] && this.#isKnown[1]) this.#radius = Math.max(this.#radius, x * x + y * y)
  }

  /** M104 and M109: degrees, and the number of the extruder. */
  temperature(degrees: number | undefined, tool: number | undefined): void {
    if (degrees === undefined) return
    if (tool !== undefined && degrees > 0) this.tool(tool)
    this.heaterTemperature(tool === undefined || tool === 0 ? 'extruder' : `extruder${tool}`, degrees)
  }

  heaterTemperature(heater: string, degrees: number | undefined): void {
    if (degrees === undefined || this.#heaters.size >= MOST_NAMES) return
    this.#heaters.set(heater, Math.max(degrees, this.#heaters.get(heater) ?? 0))
  }

  /** What makes Klipper stop the print, or spoils it. `slicer` is what the slicer states about the print. */
  problems(slicer: Readonly<Record<string, unknown>>): string[] {
    return [
      ...this.#rangeWarnings(),
      ...this.#temperatureWarnings(slicer),
      ...this.#toolWarnings(),
      ...this.#arcWarnings(),
      ...[...this.#problems].map(problem => PROBLEMS[problem]),
    ]
  }

  /** What a person should know, though the print can succeed. */
  remarks(slicer: Readonly<Record<string, unknown>>): string[] {
    return [...this.#nozzleWarnings(slicer), ...this.#commandWarnings()]
  }

  #reach(axis: number, position: number): void {
    if (position < this.#low[axis]!) this.#low[axis] = position
    if (position > this.#high[axis]!) this.#high[axis] = position
  }

  *#rangeWarnings(): Generator<string> {
    const { ranges, radius } = this.#machine
    for (const [axis, [min, max]] of (ranges ?? []).entries()) {
      if (radius !== null && axis < 2) continue
      const [low, high] = [this.#low[axis]!, this.#high[axis]!]
      const name = 'XYZ'[axis]!
      if (low < min - TOLERANCE) yield outside(name, low, 'below', min)
      if (high > max + TOLERANCE) yield outside(name, high, 'beyond', max)
    }
    const reach = Math.sqrt(this.#radius)
    if (radius !== null && reach > radius + TOLERANCE)
      yield `The print reaches ${mm(reach)} from the centre of the bed, beyond its radius of ${mm(radius)}: Klipper will stop the print`
  }

  *#temperatureWarnings(slicer: Readonly<Record<string, unknown>>): Generator<string> {
    const wanted = new Map(this.#heaters)
    for (const [heater, field] of [
      ['extruder', 'first_layer_extr_temp'],
      ['heater_bed', 'first_layer_bed_temp'],
    ] as const) {
      const degrees = slicer[field]
      if (typeof degrees === 'number') wanted.set(heater, Math.max(degrees, wanted.get(heater) ?? 0))
    }
    for (const [heater, degrees] of wanted) {
      const limit = this.#limitOf(heater)
      if (limit !== null && degrees > limit)
        yield `The print heats ${heater} to ${degrees} °C, but its max_temp is ${limit} °C`
    }
  }

  #limitOf(heater: string): number | null {
    if (heater === 'heater_bed') return this.#machine.bedMaxTemp
    return this.#machine.extruders[heater]?.maxTemp ?? null
  }

  *#toolWarnings(): Generator<string> {
    const missing = [...this.#tools].filter(tool => {
      const name = tool === 0 ? 'extruder' : `extruder${tool}`
      return tool !== 0 && !(name in this.#machine.extruders) && this.#knownCommands?.has(`T${tool}`) !== true
    })
    // Slicers write T0 for machines with one tool too; Klipper ignores it.
    if (missing.length === 0 || this.#knownCommands === null) return
    const names = missing.toSorted((a, b) => a - b).map(tool => `T${tool}`)
    yield `The print uses ${listed(names)}, but Klipper has neither such an extruder nor such a macro`
  }

  *#arcWarnings(): Generator<string> {
    if (this.#hasArcs && this.#machine.arcResolution === null)
      yield 'The print contains arcs (G2, G3), which Klipper ignores without the section [gcode_arcs] in printer.cfg'
  }

  *#nozzleWarnings(slicer: Readonly<Record<string, unknown>>): Generator<string> {
    const nozzle = this.#machine.extruders.extruder?.limits.nozzle
    const sliced = slicer.nozzle_diameter
    if (nozzle === undefined || typeof sliced !== 'number' || Math.abs(sliced - nozzle) < TOLERANCE) return
    yield `The file was sliced for a nozzle of ${sliced} mm, but the extruder has one of ${nozzle} mm`
  }

  *#commandWarnings(): Generator<string> {
    const known = this.#knownCommands
    if (known === null) return
    const unknown = [...this.#commands].filter(
      name =>
        !known.has(name) && !SILENTLY_IGNORED.has(name) && !/^T\d+$/.test(name) && !isMessage(name, known),
    )
    if (unknown.length > 0) yield `Klipper does not know and ignores: ${listed(unknown.toSorted())}`
  }
}

/** M117 and M118 with a text that starts with a digit count as one name. */
function isMessage(name: string, known: ReadonlySet<string>): boolean {
  const space = name.indexOf(' ')
  return space !== -1 && known.has(name.slice(0, space))
}

function outside(axis: string, position: number, side: string, limit: number): string {
  return `The print moves ${axis} to ${mm(position)}, ${side} the machine's limit of ${mm(limit)}: Klipper will stop the print`
}

function mm(value: number): string {
  return `${Number(value.toFixed(2))} mm`
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_SHOWN).map(name => name.slice(0, 40))
  const rest = names.length - shown.length
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ')
}
