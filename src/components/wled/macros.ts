// The methods that Klipper's macros call: `set_wled_state` and `set_wled`.
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { bool, float, int, readShape, string } from '../../schema/index.ts'
import type { Pixel, Strip } from './strip.ts'

const level = int().default(-1)

const stateArguments = {
  strip: string(),
  state: string().nullable().default(null),
  preset: level,
  brightness: level,
  intensity: level,
  speed: level,
}

const part = float().default(0)

const colourArguments = {
  strip: string(),
  red: part,
  green: part,
  blue: part,
  white: part,
  index: int().nullable().default(null),
  transmit: bool().default(true),
}

type Arguments = Readonly<Record<string, unknown>>

/** Registers the methods with Klippy. What fails is logged: a macro receives no reply. */
export function serveMacros(
  { printer: { session }, log }: Core,
  scope: Scope,
  strips: ReadonlyMap<string, Strip>,
): void {
  const find = (name: string): Strip => {
    const strip = strips.get(name)
    if (strip === undefined) throw new Error(`no strip named '${name}'`)
    return strip
  }
  const methods = {
    set_wled_state: async (args: Arguments) => {
      const { strip: name, state, preset, ...look } = readShape(stateArguments, args)
      const strip = find(name)
      const word = state?.toLowerCase() ?? (preset >= 0 ? 'on' : 'control')
      if (word === 'on' || word === 'true') await strip.on(preset, look)
      else if (word === 'off' || word === 'false') await strip.off()
      else if (word === 'toggle') await strip.toggle(preset, look)
      else if (word === 'control') await strip.control(look)
      else throw new Error(`invalid state '${state}': it is on, off or toggle`)
    },
    set_wled: async (args: Arguments) => {
      const { strip: name, red, green, blue, white, index, transmit } = readShape(colourArguments, args)
      const strip = find(name)
      const count = strip.info.chain_count
      const isAll = index === null || index < 0
      if (!isAll && (index === 0 || index > count)) {
        throw new Error(`strip ${name} has the LEDs 1 to ${count}, not ${index}`)
      }
      const colour: Pixel = [byte(red), byte(green), byte(blue), byte(white)]
      await strip.setColour(colour, isAll ? 'all' : index - 1, transmit)
    },
  }
  for (const [name, method] of Object.entries(methods)) {
    session.addRemoteMethod(name, args =>
      method(args).catch((error: unknown) => log.warning(`${name}: ${messageOf(error)}`)),
    )
    scope.defer(() => session.removeRemoteMethod(name))
  }
}

/** 0 to 1 as 0 to 255. */
function byte(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 255)
}
