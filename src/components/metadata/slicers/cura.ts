// Ultimaker Cura: a header of ";KEY:value" lines, and what start G-code templates add to it.
// CuraEngine writes the header first, with placeholders, which Cura replaces by the values. For UltiMaker's printers the
// header has other keys, such as PRINT.SIZE.MAX.Z (the flavor "Griffin").
import type { ObjectMark, Slicer, Source } from '../field.ts'
import { allOf, decimal, firstOfFields, inText, integer, number, text, value } from '../field.ts'
import { extreme, firstNumberAfter } from '../gcode-lines.ts'
import { decimalIn, decode, numberIn, numbersIn, round, sum } from '../values.ts'

const ELAPSED = '\n;TIME_ELAPSED:'
const LONGEST_NUMBER = 40

const PLAIN_VERSION = /Cura_SteamEngine[ \t]([^\r\n]{0,100})/
const GRIFFIN_VERSION = /;GENERATOR\.NAME:Cura_SteamEngine\r?\n;GENERATOR\.VERSION:([^\r\n]{1,100})/
const TIMES = ['TIME', 'PRINT.TIME']

/** Seconds that CuraEngine writes for a time that it does not know. */
const UNKNOWN_TIME = 6666
/** The bounds of a part of unknown size are this far away, the highest number of 32 bits in micrometres. */
const UNKNOWN_HEIGHT = 2.14748e6

/** Cura. */
export const cura: Slicer = {
  identify(head) {
    if (!head.includes('Cura_SteamEngine')) return undefined
    const version = (PLAIN_VERSION.exec(head) ?? GRIFFIN_VERSION.exec(head))?.[1]
    return { slicer: 'Cura', slicer_version: decode(version ?? '?') }
  },
  fields: {
    layer_count: integer('head', 'LAYER_COUNT'),
    object_height: decimal('head', 'MAXZ', 'PRINT.SIZE.MAX.Z'),
    estimated_time: firstOfFields(
      { place: 'head', keys: TIMES, read: source => extreme(timesIn(source), Math.max) },
      inText('tail', lastElapsed),
    ),
    nozzle_diameter: number('head', 'Nozzle diameter', 'EXTRUDER_TRAIN.0.NOZZLE.DIAMETER'),
    layer_height: decimal('head', 'Layer height'),
    first_layer_height: value('head', ['MINZ', 'PRINT.SIZE.MIN.Z'], raw => {
      const height = decimalIn(raw)
      return height !== undefined && height < UNKNOWN_HEIGHT ? height : undefined
    }),
    first_layer_extr_temp: firstOfFields(
      inText('head', head => firstNumberAfter(head, 'M109 S')),
      number('head', 'EXTRUDER_TRAIN.0.INITIAL_TEMPERATURE'),
    ),
    first_layer_bed_temp: firstOfFields(
      inText('head', head => firstNumberAfter(head, 'M190 S')),
      number('head', 'BUILD_PLATE.INITIAL_TEMPERATURE'),
    ),
    chamber_temp: inText('head', head => firstNumberAfter(head, 'M191 S')),
    filament_name: text('head', 'Filament name'),
    filament_type: text('head', 'Filament type'),
    // "0m" is a placeholder: every print uses filament.
    filament_total: value(
      'head',
      'Filament used',
      raw => sum(numbersIn(raw)?.map(metres => metres * 1000)) || undefined,
    ),
    filament_weight_total: value('head', 'Filament weight', raw => {
      const total = sum(weightsIn(raw))
      return total === undefined ? undefined : round(total, 2)
    }),
    filament_weights: value('head', 'Filament weight', raw => weightsIn(raw)?.map(grams => round(grams, 2))),
  },
  objects: { sign: ';MESH:', mark: objectMark },
}

function timesIn(source: Source): number[] {
  const seconds = allOf(source, TIMES).map(comment => decimalIn(comment.value))
  return seconds.filter(time => time !== undefined && time !== UNKNOWN_TIME) as number[]
}

/** The time at the end of the last layer, in whole seconds as in ";TIME:". */
function lastElapsed(whole: string): number | undefined {
  const at = whole.lastIndexOf(ELAPSED)
  if (at === -1) return undefined
  const seconds = numberIn(whole.slice(at + ELAPSED.length, at + ELAPSED.length + LONGEST_NUMBER))
  return seconds === undefined ? undefined : Math.floor(seconds)
}

/** "[3.96, 0.0] ; M190 S85": start G-code may follow the list in the same line. */
function weightsIn(raw: string): number[] | undefined {
  const end = raw.startsWith('[') ? raw.indexOf(']') : -1
  return end === -1 ? undefined : numbersIn(raw.slice(0, end))
}

/** ";MESH:NAME" starts a part; `;MESH:NONMESH`, a new layer and the layer's time end it. */
function objectMark(line: string): ObjectMark | undefined {
  if (line.startsWith(';MESH:')) {
    const name = line.slice(';MESH:'.length).trim()
    return name === 'NONMESH' ? { kind: 'end' } : { kind: 'start', id: name, name }
  }
  return line.startsWith(';TIME_ELAPSED:') || line.startsWith(';LAYER:') ? { kind: 'end' } : undefined
}
