// What an entity of Home Assistant is: a sensor, a button, a light of the printer's device.

import type { StatusChange } from '../../../api/printer.ts'
import { trimBothOf } from '../../../core/trim-characters.ts'
import type { KlippyState } from '../../../klippy/klippy-info.ts'

/** The most characters of a state in Home Assistant. */
const MAX_STATE = 255

/** What may be controlled: nothing; pausing and cancelling, power and lights; everything. */
export const CONTROL_LEVELS = ['none', 'print', 'all'] as const
export type ControlLevel = (typeof CONTROL_LEVELS)[number]

/** What the server knows of the printer. */
export interface PrinterView {
  readonly klippy: KlippyState
  /** Fields of Klipper's objects; an object that was not received yet is missing. */
  readonly status: StatusChange
  /** Seconds that the slicer estimated for the file in print; null if unknown. */
  readonly estimate: number | null
  /** The print by the planned times of its moves; null where they are not known. */
  readonly timed: { readonly progress: number; readonly secondsLeft: number } | null
  /** Seconds since the epoch. */
  readonly now: number
  readonly queueLength: number
  readonly totals: { readonly jobs: number; readonly printTime: number; readonly filament: number }
  /** The states of power devices by their names. */
  readonly power: Readonly<Record<string, string>>
  /** Why the last command was refused; '' if it was not. */
  readonly lastError: string
}

/** A call of the API. */
export interface ApiCall {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** One entity. Its key is part of its unique id and never changes. */
export interface Entity {
  readonly key: string
  readonly platform: 'binary_sensor' | 'button' | 'image' | 'light' | 'number' | 'sensor' | 'switch'
  /** The options of the platform, besides topics and ids. */
  readonly config: Readonly<Record<string, unknown>>
  /** Its value in the state message. */
  readonly value?: (view: PrinterView) => unknown
  /** The message of a topic of its own, `led/KEY`; for lights, whose state Home Assistant reads as a whole. */
  readonly ownState?: (view: PrinterView) => unknown
  /** The call for a command. Throws ApiError 400 for an invalid payload. */
  readonly command?: (payload: string) => ApiCall
  /** Available while Klipper is not ready, too. */
  readonly withoutKlipper?: true
}

/** A field of a status object; null while it is unknown. */
export function field(view: PrinterView, object: string, name: string): unknown {
  return view.status[object]?.[name] ?? null
}

/** A number rounded to `decimals`; null for other values. */
export function rounded(value: unknown, decimals: number): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  return Number(value.toFixed(decimals))
}

/** A text as a state: at most as long as Home Assistant accepts. */
export function stateText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_STATE) : ''
}

/** A part of a unique id: lower case letters, digits and underscores. */
export function slug(text: string): string {
  return trimBothOf(text.toLowerCase().replace(/[^a-z0-9]+/g, '_'), '_') || 'x'
}

/** The name of an object without its kind: `toolhead` of `neopixel toolhead`. */
export function shortName(object: string): string {
  return object.slice(object.indexOf(' ') + 1)
}

/** A name for people: `Raspberry pi` for `temperature_sensor raspberry_pi`. */
export function title(object: string): string {
  const text = shortName(object).replaceAll('_', ' ').trim()
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A G-code script as a call. */
export function gcode(script: string): ApiCall {
  return { method: 'printer.gcode.script', params: { script } }
}

/** Gives each entity whose key is taken already another one, with `_2`, `_3`… */
export function withUniqueKeys(entities: readonly Entity[]): Entity[] {
  const taken = new Set<string>()
  return entities.map(entity => {
    let { key } = entity
    for (let number = 2; taken.has(key); number += 1) key = `${entity.key}_${number}`
    taken.add(key)
    return { ...entity, key }
  })
}
