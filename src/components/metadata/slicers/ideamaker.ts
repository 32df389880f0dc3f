// ideaMaker: a header of ";Key: values" lines, used material after the print.
import type { ObjectMark, Slicer, Source } from '../field.ts'
import { allOf, inText, text, value } from '../field.ts'
import { firstNumberAfter, restOfLine } from '../gcode-lines.ts'
import { decode, numberIn, numbersIn, sum } from '../values.ts'

/** The format allows one digit for the number of an extruder. */
const numbered = (name: string, suffix = '') =>
  Array.from({ length: 10 }, (_, digit) => `${name}#${digit}${suffix}`)
const USED = numbered('Material', ' Used')
const DIAMETER = numbered('Filament Diameter ')
const DENSITY = numbered('Filament Density ')

/** ideaMaker. */
export const ideaMaker: Slicer = {
  identify(head) {
    const version = /ideaMaker\s([^\n,]{0,40}),/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'IdeaMaker', slicer_version: decode(version) }
  },
  fields: {
    object_height: value('head', 'Bounding Box', raw => numbersIn(raw)?.at(-1)),
    estimated_time: value('tail', 'Print Time', numberIn),
    nozzle_diameter: value('head', 'Dimension', raw => numbersIn(raw)?.[3]),
    layer_height: inText('head', head => heightOfLayer(head, 1)),
    first_layer_height: inText('head', head => heightOfLayer(head, 0)),
    first_layer_extr_temp: inText('head', head => firstNumberAfter(head, 'M109 T0 S')),
    first_layer_bed_temp: inText('head', head => firstNumberAfter(head, 'M190 S')),
    chamber_temp: inText('head', head => firstNumberAfter(head, 'M191 S')),
    filament_name: text('head', ...numbered('Filament Name '), 'Filament name'),
    filament_type: text('head', ...numbered('Filament Type '), 'Filament type'),
    filament_total: {
      place: 'tail',
      keys: USED,
      alsoInHead: true,
      read: source => sum(found(source, USED)),
    },
    filament_weight_total: {
      place: 'tail',
      keys: [...USED, ...DIAMETER, ...DENSITY],
      alsoInHead: true,
      read: weight,
    },
  },
  objects: { sign: ';PRINTING:', mark: objectMark },
}

/** Two lines after ";LAYER:0" comes ";HEIGHT:0.3". */
function heightOfLayer(head: string, layer: number): number | undefined {
  const sign = `;LAYER:${layer}`
  const at = head.indexOf(`${sign}\n`) + 1 || head.indexOf(`${sign}\r\n`) + 1
  const second = at === 0 ? 0 : head.indexOf('\n', head.indexOf('\n', at) + 1) + 1
  const line = second === 0 ? '' : restOfLine(head, second)
  return line.startsWith(';HEIGHT:') ? numberIn(line.slice(';HEIGHT:'.length)) : undefined
}

function found(source: Source, keys: readonly string[]): number[] | undefined {
  const numbers = allOf(source, keys).flatMap(comment => numberIn(comment.value) ?? [])
  return numbers.length === 0 ? undefined : numbers
}

function weight(source: Source): number | undefined {
  const [lengths, diameters, densities] = [USED, DIAMETER, DENSITY].map(keys => found(source, keys) ?? [])
  if (lengths!.length !== diameters!.length || lengths!.length !== densities!.length) return undefined
  const grams = (length: number, i: number) =>
    ((Math.PI / 4) * diameters![i]! ** 2 * length * densities![i]!) / 10 ** 6
  return sum(lengths!.map(grams))
}

/**
 * ";PRINTING: NAME" is the name of the next object, ";PRINTING_ID: NUMBER" starts it; the number -1 means no object. A
 * layer's time ends it too: after the last layer no other comment does.
 */
function objectMark(line: string, announced: string | undefined): ObjectMark | undefined {
  if (line.startsWith(';PRINTING:')) return { kind: 'name', name: line.slice(';PRINTING:'.length).trim() }
  if (line.startsWith(';PRINTING_TIME:')) return { kind: 'end' }
  if (!line.startsWith(';PRINTING_ID:')) return undefined
  const id = line.slice(';PRINTING_ID:'.length).trim()
  return id === '-1' ? { kind: 'end' } : { kind: 'start', id, name: announced ?? `object_${id}` }
}
