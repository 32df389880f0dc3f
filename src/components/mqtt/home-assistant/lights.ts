// Lights: LEDs of Klipper as lights of Home Assistant (schema json).
import { type ApiCall, type Entity, field, gcode, shortName, slug, title } from './entity.ts'
import type { Settings } from './object-entities.ts'
import { objectOf, oneOf } from './payloads.ts'

const LED = /^(led|neopixel|dotstar|pca9533|pca9632) .+$/

type Mode = 'rgb' | 'rgbw' | 'brightness'
/** Red, green, blue and white, 0 to 1. */
type Colour = readonly [number, number, number, number]

const CHANNELS = ['r', 'g', 'b', 'w'] as const
const WHITE: Readonly<Record<Mode, Colour>> = {
  rgb: [1, 1, 1, 0],
  rgbw: [0, 0, 0, 1],
  brightness: [1, 1, 1, 1],
}

/** The objects whose colours are needed. */
export function isLight(object: string): boolean {
  return LED.test(object)
}

export function lights(objects: readonly string[], settings: Settings): Entity[] {
  return objects.filter(isLight).map(object => light(object, modeOf(object, settings)))
}

function modeOf(object: string, settings: Settings): Mode {
  const section = settings[object.toLowerCase()] ?? {}
  if (object.startsWith('led ')) {
    const hasColour = 'red_pin' in section || 'green_pin' in section || 'blue_pin' in section
    if (!hasColour) return 'brightness'
    return 'white_pin' in section ? 'rgbw' : 'rgb'
  }
  // Klipper reports a list, one text for each LED of the chain.
  return /w/i.test(JSON.stringify(section.color_order ?? '')) ? 'rgbw' : 'rgb'
}

function light(object: string, mode: Mode): Entity {
  const name = shortName(object)
  /** The colour at full brightness: Klipper does not keep it while the light is off. */
  let last = WHITE[mode]
  let brightness = 1
  const setColour = ([r, g, b, w]: Colour): ApiCall =>
    gcode(`SET_LED LED="${name}" RED=${r} GREEN=${g} BLUE=${b} WHITE=${w}`)
  return {
    key: `light_${slug(name)}`,
    platform: 'light',
    config: { name: title(object), schema: 'json', brightness: true, supported_color_modes: [mode] },
    ownState: view => {
      const current = colourOf(field(view, object, 'color_data'))
      const level = Math.max(...current)
      if (level === 0) return { state: 'OFF' }
      last = current.map(part => part / level) as unknown as Colour
      brightness = level
      return {
        state: 'ON',
        brightness: byte(level),
        color_mode: mode,
        ...(mode !== 'brightness' && colourState(last, mode)),
      }
    },
    command: payload => {
      const { state, brightness: level, color } = objectOf(payload)
      if (oneOf(String(state), 'ON', 'OFF') === 'OFF') return setColour([0, 0, 0, 0])
      if (color !== undefined) last = readColour(color, mode)
      if (typeof level === 'number') brightness = Math.min(1, Math.max(0, level / 255))
      return setColour(last.map(part => Number((part * brightness).toFixed(3))) as unknown as Colour)
    },
  }
}

/** The colour of the first LED of a chain. */
function colourOf(data: unknown): Colour {
  const first: unknown[] = Array.isArray(data) && Array.isArray(data[0]) ? data[0] : []
  const channel = (index: number) => (typeof first[index] === 'number' ? (first[index] as number) : 0)
  return [channel(0), channel(1), channel(2), channel(3)]
}

function colourState(colour: Colour, mode: Mode): { color: Record<string, number> } {
  const channels = mode === 'rgbw' ? CHANNELS : CHANNELS.slice(0, 3)
  return { color: Object.fromEntries(channels.map((name, index) => [name, byte(colour[index] ?? 0)])) }
}

function readColour(color: unknown, mode: Mode): Colour {
  const given = typeof color === 'object' && color !== null ? (color as Record<string, unknown>) : {}
  const parts = CHANNELS.map(name => {
    const value = given[name]
    return typeof value === 'number' ? Math.min(255, Math.max(0, value)) / 255 : 0
  })
  if (mode === 'rgb') parts[3] = 0
  return parts as unknown as Colour
}

function byte(part: number): number {
  return Math.round(Math.min(1, Math.max(0, part)) * 255)
}
