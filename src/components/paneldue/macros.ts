// The macros that the panel offers, some of them only after a confirmation on its screen.
import { ApiError } from '../../core/errors.ts'
import { MACROS_ROOT } from './protocol.ts'

/** A macro that was chosen: its G-code, or the message box where the user confirms it first. */
interface Started {
  readonly gcode: string
  readonly question: Readonly<Record<string, unknown>> | null
}

/** A message box with the buttons OK and Cancel, which reply M292 P0 and M292 P1. */
const OK_OR_CANCEL = { 'msgBox.mode': 3, 'msgBox.controls': 0, 'msgBox.timeout': 0 }

export class Macros {
  /** G-code by the macro's name. */
  readonly #gcode: ReadonlyMap<string, string>
  readonly #confirmed: ReadonlySet<string>
  /** The G-code that waits for its confirmation. */
  #waiting: string | null = null
  #questions = 0

  constructor(options: { readonly macros: readonly string[]; readonly confirmed_macros: readonly string[] }) {
    const { macros, confirmed_macros } = options
    this.#gcode = new Map([...macros, ...confirmed_macros].map(gcode => [nameOf(gcode), gcode]))
    this.#confirmed = new Set(confirmed_macros.map(nameOf))
  }

  /** The folder of macros, as the panel lists it. */
  get listing(): { readonly dir: string; readonly files: readonly string[] } {
    return { dir: MACROS_ROOT, files: [...this.#gcode.keys()] }
  }

  /** Starts the macro that the panel knows by a path. Throws ApiError for an unknown one. */
  start(path: string): Started {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const gcode = this.#gcode.get(name)
    if (gcode === undefined) throw new ApiError(404, `Macro ${name} is not in section [paneldue]`)
    if (!this.#confirmed.has(name)) return { gcode, question: null }
    this.#waiting = gcode
    this.#questions += 1
    const texts = { 'msgBox.msg': `Run ${name}?`, 'msgBox.title': 'Confirm macro' }
    return { gcode, question: { ...OK_OR_CANCEL, ...texts, 'msgBox.seq': this.#questions } }
  }

  /** The G-code that waited; null without any, or if it was not confirmed. */
  confirm(isConfirmed: boolean): string | null {
    const gcode = this.#waiting
    this.#waiting = null
    return isConfirmed ? gcode : null
  }
}

function nameOf(gcode: string): string {
  return gcode.split(/\s/, 1)[0] as string
}
