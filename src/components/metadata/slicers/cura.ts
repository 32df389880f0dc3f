// Ultimaker Cura: a header of ";KEY:value" lines, and what start G-code templates add to it.
import type { ObjectMark, Slicer } from '../field.ts'
import { highest, integer, match, number, text, value } from '../field.ts'
import { decode, numbersIn, sum } from '../values.ts'

const TIMES = /;TIME:([0-9]*\.?[0-9]+)/g

/** Cura. */
export const cura: Slicer = {
  identify(head) {
    const version = /Cura_SteamEngine\s([^\r\n]{0,100})/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'Cura', slicer_version: decode(version) }
  },
  fields: {
    layer_count: integer('head', 'LAYER_COUNT'),
    object_height: number('head', 'MAXZ'),
    estimated_time: highest('head', TIMES),
    nozzle_diameter: number('head', 'Nozzle diameter'),
    layer_height: number('head', 'Layer height'),
    first_layer_height: number('head', 'MINZ'),
    first_layer_extr_temp: match('head', /M109 S([0-9]*\.?[0-9]+)/),
    first_layer_bed_temp: match('head', /M190 S([0-9]*\.?[0-9]+)/),
    chamber_temp: match('head', /M191 S([0-9]*\.?[0-9]+)/),
    filament_name: text('head', 'Filament name'),
    filament_type: text('head', 'Filament type'),
    filament_total: value('head', 'Filament used', raw => sum(numbersIn(raw)?.map(metres => metres * 1000))),
    filament_weight_total: value('head', 'Filament weight', raw => sum(weightsIn(raw))),
    filament_weights: value('head', 'Filament weight', weightsIn),
  },
  objects: { sign: ';MESH:', mark: objectMark },
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
