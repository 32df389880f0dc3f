// One LED strip: its state, and the messages that change it.

import type { StripInfo } from '../../api/wled.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { messageOf } from '../../core/errors.ts'
import type { Infer } from '../../schema/index.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { StripDevice, StripState } from './strip-device.ts'

/** Red, green, blue and white, 0 to 255 each. */
export type Pixel = readonly [number, number, number, number]

/** What a strip shows after the start, and when it is switched on. */
export interface StripOptions {
  readonly name: string
  /** The number of LEDs. */
  readonly count: number
  /** A preset; below 0 for the colour. */
  readonly preset: number
  readonly colour: Pixel
}

/** Changes of the look; a value out of its range changes nothing. */
export interface Look {
  readonly brightness: number
  readonly intensity: number
  readonly speed: number
}

/** The values of a strip, as clients see them. */
type Values = Pick<Infer<typeof StripInfo>, 'status' | 'preset' | 'brightness' | 'intensity' | 'speed'>

type Message = Readonly<Record<string, unknown>>

/** Brightness while colours are set one by one. */
const FULL = 255
const UNKNOWN = -1
/** Commands that wait while one is sent. */
const MAX_WAITING = 32

export class Strip {
  readonly #options: StripOptions
  readonly #device: StripDevice
  readonly #onChange: (info: Infer<typeof StripInfo>) => void
  readonly #commands: ConcurrencyLimit
  #values: Values = {
    status: 'off',
    preset: UNKNOWN,
    brightness: UNKNOWN,
    intensity: UNKNOWN,
    speed: UNKNOWN,
  }
  #error: string | null = null
  #hasObeyed = false
  readonly #pixels: Pixel[]
  /** Whether the strip shows `#pixels`, so that one LED can be changed alone. */
  #showsPixels = false

  /** `onChange` receives the state after each change. */
  constructor(options: StripOptions, device: StripDevice, onChange: (info: Infer<typeof StripInfo>) => void) {
    this.#options = options
    this.#device = device
    this.#onChange = onChange
    this.#pixels = Array.from({ length: options.count }, () => options.colour)
    this.#commands = new ConcurrencyLimit({
      what: `commands for strip ${options.name}`,
      maxRunning: 1,
      maxQueued: MAX_WAITING,
    })
  }

  get name(): string {
    return this.#options.name
  }

  /** The last known state. */
  get info(): Infer<typeof StripInfo> {
    const { name, count } = this.#options
    return { strip: name, chain_count: count, ...this.#values, error: this.#error }
  }

  /** Whether the strip has done anything that was requested. */
  get hasObeyed(): boolean {
    return this.#hasObeyed
  }

  /** Sends the initial state. Rejects as the device does. */
  start(): Promise<void> {
    return this.#run(async () => {
      await this.#device.send({ v: true })
      await this.#showInitial()
    })
  }

  /** Reads the state from the strip. Rejects as the device does. */
  read(): Promise<void> {
    return this.#run(async () => {
      const state = await this.#device.read()
      if (state !== null) this.#take(state)
    })
  }

  /** Switches on with a preset, or in the initial state if `preset` is below 0. Rejects as the device does. */
  on(preset: number, look: Look): Promise<void> {
    return this.#run(() => this.#on(preset, look))
  }

  /** Switches off. Rejects as the device does. */
  off(): Promise<void> {
    return this.#run(() => this.#off())
  }

  /** Switches on if the strip is off, else off. Rejects as the device does. */
  toggle(preset: number, look: Look): Promise<void> {
    return this.#run(() => (this.#values.status === 'on' ? this.#off() : this.#on(preset, look)))
  }

  /** Changes the look; does nothing while the strip is off. Rejects as the device does. */
  control(look: Look): Promise<void> {
    return this.#run(() => this.#control(look))
  }

  /**
   * Sets the colour of one LED (`index` from 0), or of all. Without `transmit` it is sent together with the next one.
   * Rejects as the device does.
   */
  setColour(colour: Pixel, index: number | 'all', transmit: boolean): Promise<void> {
    return this.#run(async () => {
      if (index === 'all') this.#pixels.fill(colour)
      else this.#pixels[index] = colour
      if (!transmit) this.#showsPixels = false
      else if (index === 'all') await this.#showPixels([0, this.#options.count, colour])
      else await this.#showPixels(this.#showsPixels ? [index, colour] : this.#pixels)
    })
  }

  /** Runs commands one after the other. */
  #run(command: () => Promise<void>): Promise<void> {
    return this.#commands.run(async () => {
      const before = JSON.stringify(this.info)
      try {
        await command()
        this.#error = null
      } catch (error) {
        this.#error = messageOf(error)
        this.#showsPixels = false
        throw error
      } finally {
        if (JSON.stringify(this.info) !== before) this.#onChange(this.info)
      }
    })
  }

  async #on(preset: number, look: Look): Promise<void> {
    await (preset >= 0 ? this.#showPreset(preset) : this.#showInitial())
    await this.#control(look)
  }

  async #off(): Promise<void> {
    await this.#send({ on: false }, { status: 'off' })
    this.#showsPixels = false
  }

  async #showInitial(): Promise<void> {
    const { preset, colour, count } = this.#options
    if (preset >= 0) return this.#showPreset(preset)
    this.#pixels.fill(colour)
    await this.#showPixels([0, count, colour])
  }

  async #showPreset(preset: number): Promise<void> {
    const unknown = { brightness: UNKNOWN, intensity: UNKNOWN, speed: UNKNOWN }
    await this.#send({ on: true, ps: preset }, { status: 'on', preset, ...unknown })
    this.#showsPixels = false
  }

  /** `leds` is WLED's list of colours: all of them, one after its index, or one after the first and last index. */
  async #showPixels(leds: readonly unknown[]): Promise<void> {
    const message = { on: true, tt: 0, bri: FULL, seg: { bri: FULL, i: leds } }
    const values = { preset: UNKNOWN, brightness: FULL, intensity: UNKNOWN, speed: UNKNOWN }
    await this.#send(message, { status: 'on', ...values })
    this.#showsPixels = true
  }

  async #control({ brightness, intensity, speed }: Look): Promise<void> {
    if (this.#values.status === 'off') return
    const bri = isIn(1, brightness) ? { brightness } : {}
    if (this.#values.preset < 0) {
      if (isIn(1, brightness)) await this.#send({ tt: 0, bri: brightness }, bri)
      return
    }
    const values = {
      ...bri,
      ...(isIn(0, intensity) && { intensity }),
      ...(isIn(0, speed) && { speed }),
    }
    if (Object.keys(values).length === 0) return
    const seg = {
      ...(values.brightness !== undefined && { bri: values.brightness }),
      ...(values.intensity !== undefined && { ix: values.intensity }),
      ...(values.speed !== undefined && { sx: values.speed }),
    }
    await this.#send({ tt: 0, seg, ...(seg.bri !== undefined && { bri: seg.bri }) }, values)
  }

  async #send(message: Message, values: Partial<Values>): Promise<void> {
    await this.#device.send(message)
    this.#hasObeyed = true
    this.#values = { ...this.#values, ...values }
  }

  /** Other programs may have changed the strip: what it returns replaces what is known. */
  #take({ on, bri, ps, seg }: StripState): void {
    const first: unknown = Array.isArray(seg) ? seg[0] : seg
    const { ix, sx } = isPlainObject(first) ? first : {}
    const values = {
      status: on === true ? ('on' as const) : ('off' as const),
      preset: isIn(1, ps) ? ps : UNKNOWN,
      brightness: isIn(1, bri) ? bri : this.#values.brightness,
      intensity: isIn(0, ix) ? ix : this.#values.intensity,
      speed: isIn(0, sx) ? sx : this.#values.speed,
    }
    const { status, preset } = this.#values
    if (values.status !== status || values.preset !== preset) this.#showsPixels = false
    this.#values = values
  }
}

function isIn(min: number, value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 255
}
