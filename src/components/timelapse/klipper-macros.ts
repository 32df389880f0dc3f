// The macros of timelapse.cfg in Klipper: their settings, and the variables that they wait for.
import type { TimelapseSettings } from '../../api/timelapse.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'

const TAKE_FRAME = 'gcode_macro TIMELAPSE_TAKE_FRAME'
const HYPERLAPSE = 'gcode_macro HYPERLAPSE'
const RENDER = 'gcode_macro TIMELAPSE_RENDER'

/** The settings that the macros know. */
export const MACRO_SETTINGS: ReadonlySet<string> = new Set([
  'enabled',
  'gcode_verbose',
  'parkhead',
  'parkpos',
  'park_custom_pos_x',
  'park_custom_pos_y',
  'park_custom_pos_dz',
  'park_travel_speed',
  'park_retract_speed',
  'park_extrude_speed',
  'park_retract_distance',
  'park_extrude_distance',
  'park_time',
  'fw_retract',
])

export class KlipperMacros {
  readonly #core: Pick<Core, 'printer' | 'log'>
  /** Whether this Klipper has the macros. */
  #areKnown = false
  /** The cycle of the hyperlapse that runs, in seconds; null if none runs. */
  #cycle: number | null = null

  constructor(core: Pick<Core, 'printer' | 'log'>) {
    this.#core = core
  }

  /**
   * Klippy is ready: reads the state of the macros, and ends what they wait for, since an earlier run of the server
   * cannot have answered it. Never rejects. The scripts below wait for nothing: Klipper runs them in their order, and
   * reports errors on its console.
   */
  async ready(): Promise<void> {
    try {
      const { status } = await this.#core.printer.query({
        [TAKE_FRAME]: ['enable', 'takingframe'],
        [HYPERLAPSE]: ['run', 'cycle'],
        [RENDER]: ['render'],
      })
      const [frame, hyperlapse, render] = [status[TAKE_FRAME], status[HYPERLAPSE], status[RENDER]]
      this.#areKnown = typeof frame?.enable === 'boolean'
      this.#cycle = hyperlapse?.run === true ? Number(hyperlapse.cycle) : null
      if (frame?.takingframe === true) this.frameDone()
      if (render?.render === true) this.renderDone()
    } catch (error) {
      this.#core.log.warning(`the state of the macros cannot be read: ${messageOf(error)}`)
    }
  }

  /** Continues the print that was parked for a frame. */
  frameDone(): void {
    this.#run('SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=takingframe VALUE=False')
  }

  /** Continues the print that waits for a video. */
  renderDone(): void {
    this.#run('SET_GCODE_VARIABLE MACRO=TIMELAPSE_RENDER VARIABLE=render VALUE=False')
  }

  /** Passes the settings on. */
  setUp(settings: TimelapseSettings): void {
    if (!this.#areKnown) return
    const values = [
      `ENABLE=${python(settings.enabled)}`,
      `VERBOSE=${python(settings.gcode_verbose)}`,
      `PARK_ENABLE=${python(settings.parkhead)}`,
      `PARK_POS=${settings.parkpos}`,
      `CUSTOM_POS_X=${python(settings.park_custom_pos_x)}`,
      `CUSTOM_POS_Y=${python(settings.park_custom_pos_y)}`,
      `CUSTOM_POS_DZ=${python(settings.park_custom_pos_dz)}`,
      `TRAVEL_SPEED=${settings.park_travel_speed}`,
      `RETRACT_SPEED=${settings.park_retract_speed}`,
      `EXTRUDE_SPEED=${settings.park_extrude_speed}`,
      `RETRACT_DISTANCE=${python(settings.park_retract_distance)}`,
      `EXTRUDE_DISTANCE=${python(settings.park_extrude_distance)}`,
      `PARK_TIME=${python(settings.park_time)}`,
      `FW_RETRACT=${python(settings.fw_retract)}`,
    ]
    this.#run(`_SET_TIMELAPSE_SETUP  ${values.join(' ')}`)
  }

  /** Starts or stops the timer of the mode hyperlapse, if that is not its state already. */
  setHyperlapse(settings: TimelapseSettings, isPrinting: boolean): void {
    const { enabled, mode, hyperlapse_cycle, park_time } = settings
    const wanted = isPrinting && enabled && mode === 'hyperlapse' ? hyperlapse_cycle : null
    if (wanted === this.#cycle || !this.#areKnown) return
    if (wanted !== null && wanted - park_time < 1) {
      this.#core.log.warning(`no hyperlapse: its cycle of ${wanted} s is less than 1 s longer than park_time`)
      return
    }
    this.#cycle = wanted
    this.#run(`HYPERLAPSE ACTION=${wanted === null ? 'STOP' : `START CYCLE=${wanted}`}`)
  }

  #run(script: string): void {
    this.#core.printer
      .runGcode(script)
      .catch((error: unknown) => this.#core.log.warning(`${script}: ${messageOf(error)}`))
  }
}

/** A value as the macros expect it. */
function python(value: number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}
