// One button: a template runs when it is pressed or released.
import type { ButtonEvent } from '../../api/buttons.ts'
import type { Core } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import type { ReadSection } from '../../config/index.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { messageOf } from '../../core/errors.ts'
import { type FollowedInput, type GpioInputs, monotonicSeconds } from '../../core/gpio/inputs.ts'
import { type Pin, parsePin } from '../../core/gpio/pin.ts'
import type { Edge } from '../../core/gpio/uapi.ts'
import type { buttonOptions } from './options.ts'
import { templateContext } from './template-context.ts'

type Section = ReadSection<typeof buttonOptions>

/** Events that wait while a template runs. */
const MAX_WAITING = 16

export class Button {
  readonly section: Section
  readonly #core: Core
  readonly #inputs: GpioInputs
  readonly #pin: Pin
  readonly #press: SectionTemplate | null
  readonly #release: SectionTemplate | null
  /** Templates keep values between their runs in it. */
  readonly #userData = new Map<unknown, unknown>()
  readonly #runs = new ConcurrencyLimit({ what: 'events of a button', maxRunning: 1, maxQueued: MAX_WAITING })
  readonly #stopping = new AbortController()
  #input: FollowedInput | null = null
  /** On the monotonic clock. */
  #lastEvent = 0

  /** Throws ConfigError for options that cannot be used. */
  constructor(core: Core, inputs: GpioInputs, section: Section) {
    const { on_press, on_release } = section.options
    this.#core = core
    this.#inputs = inputs
    this.section = section
    if (on_press === undefined && on_release === undefined) {
      throw section.error(
        `[${section.section}]: No template option configured: set on_press or on_release`,
        'on_press',
      )
    }
    const compile = (option: string, source: string | undefined) =>
      source === undefined ? null : new SectionTemplate(core, section, option, source)
    this.#press = compile('on_press', on_press)
    this.#release = compile('on_release', on_release)
    this.#pin = readPin(section)
  }

  /** Rejects with Error if the pin cannot be used. */
  async start(): Promise<void> {
    const { name, options } = this.section
    this.#lastEvent = monotonicSeconds()
    this.#input = await this.#inputs.follow({
      pin: this.#pin,
      debounceSeconds: options.debounce_period,
      onChange: edge => this.#take(edge),
      onLost: reason => this.#core.warnings.add(`Button ${name}: the pin cannot be read any more: ${reason}`),
    })
  }

  stop(): void {
    this.#stopping.abort(new Error('the server stops'))
    this.#input?.close()
  }

  #take({ value: pressed, seconds: received_time }: Edge): void {
    const elapsed_time = received_time - this.#lastEvent
    this.#lastEvent = received_time
    const template = pressed ? this.#press : this.#release
    if (template === null || elapsed_time < this.section.options.minimum_event_time) return
    const run = () => this.#run(template, { elapsed_time, received_time, pressed })
    this.#runs.run(run, this.#stopping.signal).catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return
      const action = pressed ? 'on_press' : 'on_release'
      this.#core.log.warning(`button ${this.section.name}: ${action}: ${messageOf(error)}`)
    })
  }

  async #run(template: SectionTemplate, event: Omit<ButtonEvent, 'render_time'>): Promise<void> {
    await template.render(
      templateContext({
        core: this.#core,
        name: this.section.name,
        event: { ...event, render_time: monotonicSeconds() },
        userData: this.#userData,
        callTimeout: this.section.options.call_timeout,
        signal: this.#stopping.signal,
      }),
    )
  }
}

/** Throws ConfigError. */
function readPin(section: Section): Pin {
  try {
    return parsePin(section.options.pin)
  } catch (error) {
    throw section.error(
      `[${section.section}]: Option 'pin' encountered the following error while parsing: ${messageOf(error)}`,
      'pin',
    )
  }
}
