// Simplify3D 4 and 5: a settings summary of ";   key,value" lines at the top, a build summary at the end.
import type { Slicer, Source } from '../field.ts'
import { allOf, decimal, firstOfFields, inText, number, text, value } from '../field.ts'
import { extreme, restOfLine, zMoves } from '../gcode-lines.ts'
import { decode, durationIn, numberIn } from '../values.ts'

const UNITS = [
  [/(\d{1,6}) hours?/, 3600],
  [/(\d{1,6}) min/, 60],
  [/(\d{1,6}) sec/, 1],
] as const

const LAYER = '; layer '

const TEMPERATURE_KEYS = [
  'temperatureName',
  'temperatureSetpointCount',
  'temperatureSetpointTemperatures',
  'temperatureController',
  'temperatureType',
  'temperatureSetpoints',
]

/** Simplify3D. */
export const simplify3d: Slicer = {
  identify(head) {
    const version = /Simplify3D\(R\)\sVersion\s([^\r\n]{0,100})/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'Simplify3D', slicer_version: decode(version) }
  },
  fields: {
    object_height: firstOfFields(
      inText('tail', tail => extreme(zMoves(tail), Math.max)),
      {
        place: 'between',
        keys: [],
        signs: [LAYER],
        read: ({ text }) => extreme(layerHeights(text), Math.max),
      },
    ),
    estimated_time: value('tail', ['Build time', 'Build Time'], raw => durationIn(raw, UNITS)),
    nozzle_diameter: number('head', 'extruderDiameter', 'nozzleDiameter'),
    layer_height: decimal('head', 'layerHeight'),
    first_layer_height: inText('head', head => extreme(zMoves(head), Math.min)),
    first_layer_extr_temp: heater('Extruder 1', 'extruder'),
    first_layer_bed_temp: heater('Heated Bed', 'platform'),
    filament_name: text('head', 'printMaterial', 'autoConfigureBrand'),
    // Version 5 writes MakerBot's setting into every file, whatever the material is.
    filament_type: firstOfFields(
      text('head', 'autoConfigureMaterial'),
      text('tail', 'makerBotModelMaterial'),
    ),
    filament_total: value('tail', ['Filament length', 'Material Length'], measuredIn('mm')),
    filament_weight_total: value('tail', ['Plastic weight', 'Material Weight'], measuredIn('g')),
  },
}

function measuredIn(unit: string) {
  return (raw: string) => (raw.split(/\s/, 2)[1] === unit ? numberIn(raw) : undefined)
}

function heater(name: string, type: string) {
  return {
    place: 'head' as const,
    keys: TEMPERATURE_KEYS,
    read: (source: Source) => setpointOfType(source, type) ?? setpointOfName(source, name),
  }
}

/** "; layer 12, Z = 2.400". */
function* layerHeights(text: string): Generator<number> {
  for (let at = text.indexOf(LAYER); at !== -1; at = text.indexOf(LAYER, at + 1)) {
    const height = /^\d{1,9}, Z = (\d{1,9}(?:\.\d{1,9})?)/.exec(restOfLine(text, at + LAYER.length))?.[1]
    if (height !== undefined) yield Number(height)
  }
}

/** Version 4: the names of all heaters, how many setpoints each has, and the temperatures of all setpoints. */
function setpointOfName(source: Source, name: string): number | undefined {
  const [names, counts, temperatures] = TEMPERATURE_KEYS.map(key =>
    source.comments.get(key)?.[0]?.value.split(','),
  )
  const index = names?.findIndex(each => each.startsWith(name)) ?? -1
  if (index === -1) return undefined
  const before = Array.from({ length: index }, (_, i) => Number(counts?.[i] ?? 1) || 1)
  return numberIn(temperatures?.[before.reduce((total, count) => total + count, 0)] ?? '')
}

/** Version 5: one block of lines for each heater; the setpoints of a block are "LAYER|TEMPERATURE". */
function setpointOfType(source: Source, type: string): number | undefined {
  const after = (key: string, at: number, fits: (value: string) => boolean) =>
    allOf(source, [key]).find(comment => comment.at > at && fits(comment.value))
  const controller = after('temperatureController', -1, () => true)
  const heaterType = controller && after('temperatureType', controller.at, value => value.startsWith(type))
  const setpoints =
    heaterType && after('temperatureSetpoints', heaterType.at, value => /^\d+\|\d+/.test(value))
  const temperature = setpoints && /^\d+\|(\d+)/.exec(setpoints.value)?.[1]
  return temperature === undefined ? undefined : Number(temperature)
}
