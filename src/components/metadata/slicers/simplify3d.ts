// Simplify3D 4 and 5: a settings summary of ";   key,value" lines at the top, a build summary at the end.
import type { Slicer, Source } from '../field.ts'
import { allOf, highest, lowest, number, text, value } from '../field.ts'
import { decode, durationIn, numberIn } from '../values.ts'

const UNITS = [
  [/(\d+)\shours?/, 3600],
  [/(\d+)\smin/, 60],
  [/(\d+)\ssec/, 1],
] as const

const Z_MOVE = /G1\sZ([0-9]*\.?[0-9]+)\s/g

const TEMPERATURE_KEYS = [
  'temperatureName',
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
    object_height: highest('tail', Z_MOVE),
    estimated_time: value('tail', ['Build time', 'Build Time'], raw => durationIn(raw, UNITS)),
    nozzle_diameter: number('head', 'extruderDiameter', 'nozzleDiameter'),
    layer_height: number('head', 'layerHeight'),
    first_layer_height: lowest('head', Z_MOVE),
    first_layer_extr_temp: heater('Extruder 1', 'extruder'),
    first_layer_bed_temp: heater('Heated Bed', 'platform'),
    filament_name: text('head', 'printMaterial'),
    filament_type: text('tail', 'makerBotModelMaterial'),
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

/** Version 4: names and temperatures side by side in two lists. */
function setpointOfName(source: Source, name: string): number | undefined {
  const [names, temperatures] = TEMPERATURE_KEYS.map(key => source.comments.get(key)?.[0]?.value.split(','))
  const at = names?.indexOf(name) ?? -1
  return at === -1 ? undefined : numberIn(temperatures?.[at] ?? '')
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
