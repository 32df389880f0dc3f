// Ultimaker Cura: a header of ";KEY:value" lines, and what start G-code templates add to it.
// CuraEngine writes the header before it knows the values: what stands there then is filled in by Cura, or stays.
import type { ObjectMark, Slicer } from '../field.ts'
import { highest, inText, integer, match, number, text, value } from '../field.ts'
import { decode, numberIn, numbersIn, sum } from '../values.ts'

const TIMES = /;TIME:([0-9]*\.?[0-9]+)/g
const ELAPSED = '\n;TIME_ELAPSED:'
const LONGEST_NUMBER = 40

/** Seconds that CuraEngine writes for a time that it does not know. */
const UNKNOWN_TIME = 6666
/** The bounds of a part of unknown size are this far away, the highest number of 32 bits in micrometres. */
const UNKNOWN_HEIGHT = 2.14748e6

/** Cura. */
export const cura: Slicer = {
  identify(head) {
    const version = /Cura_SteamEngine\s([^\r\n]{0,100})/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'Cura', slicer_version: decode(version) }
  },
  fields: {
    layer_count: integer('head', 'LAYER_COUNT'),
    object_height: number('head', 'MAXZ'),
    estimated_time: {
      ...highest('head', TIMES, seconds => seconds !== UNKNOWN_TIME),
      instead: inText('tail', lastElapsed),
    },
    nozzle_diameter: number('head', 'Nozzle diameter'),
    layer_height: number('head', 'Layer height'),
    first_layer_height: value('head', 'MINZ', raw => {
      const height = numberIn(raw)
      return height !== undefined && height < UNKNOWN_HEIGHT ? height : undefined
    }),
    first_layer_extr_temp: match('head', /M109 S([0-9]*\.?[0-9]+)/),
    first_layer_bed_temp: match('head', /M190 S([0-9]*\.?[0-9]+)/),
    chamber_temp: match('head', /M191 S([0-9]*\.?[0-9]+)/),
    filament_name: text('head', 'Filament name'),
    filament_type: text('head', 'Filament type'),
    // No print is without filament: "0m" is what stands there before Cura fills it in.
    filament_total: value(
      'head',
      'Filament used',
      raw => sum(numbersIn(raw)?.map(metres => metres * 1000)) || undefined,
    ),
    filament_weight_total: value('head', 'Filament weight', raw => sum(weightsIn(raw))),
    filament_weights: value('head', 'Filament weight', weightsIn),
  },
  objects: { sign: ';MESH:', mark: objectMark },
}

/** The time at the end of the last layer, in whole seconds as in ";TIME:". */
function lastElapsed(whole: string): number | undefined {
  const at = whole.lastIndexOf(ELAPSED)
  if (at === -1) return undefined
  const seconds = numberIn(whole.slice(at + ELAPSED.length, at + ELAPSED.length + LONGEST_NUMBER))
  return seconds === undefined ? undefined : Math.floor(seconds)
}

function weightsIn(raw: string): number[] | undefined {
  return raw.startsWith('[') && raw.includes(']') ? numbersIn(raw) : undefined
}

/** ";MESH:NAME" starts a part; what belongs to no part, a new layer and the layer's time end it. */
function objectMark(line: string): ObjectMark | undefined {
  if (line.startsWith(';MESH:')) {
    const name = line.slice(';MESH:'.length).trim()
    return name === 'NONMESH' ? { kind: 'end' } : { kind: 'start', id: name, name }
  }
  return line.startsWith(';TIME_ELAPSED:') || line.startsWith(';LAYER:') ? { kind: 'end' } : undefined
}
