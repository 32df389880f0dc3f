// KISSlicer: "; key = value" settings at the top, totals at the end.
import type { Slicer, Source } from '../field.ts'
import { allOf, decimal, type Field, firstOfFields, number, value } from '../field.ts'
import { extreme, numbersAfter } from '../gcode-lines.ts'
import { decode, numberIn, round, sum } from '../values.ts'

const LAYER_END = '; END_LAYER_OBJECT z='
/** One line for each extruder. */
const EXTRUDED = Array.from({ length: 64 }, (_, index) => `Ext #${index}`)

/** KISSlicer. */
export const kisslicer: Slicer = {
  identify(head) {
    if (!/;\sKISSlicer/.test(head)) return undefined
    const version = /;\sversion\s([^\r\n]{0,100})/.exec(head)?.[1]
    return {
      slicer: 'KISSlicer',
      slicer_version: decode(version ?? '?')
        .trim()
        .replaceAll(' ', '-'),
    }
  },
  fields: {
    object_height: firstOfFields(layerEnds('tail'), layerEnds('between')),
    estimated_time: value('tail', 'Calculated-during-export Build Time', minutesIn),
    layer_height: decimal('head', 'max_layer_thickness_mm'),
    first_layer_height: decimal('head', 'first_layer_thickness_mm'),
    first_layer_extr_temp: number('head', 'first_layer_C'),
    first_layer_bed_temp: number('head', 'bed_C'),
    chamber_temp: number('head', 'chamber_C'),
    filament_total: { place: 'tail', keys: EXTRUDED, alsoInHead: true, read: extruded },
  },
}

function layerEnds(place: 'tail' | 'between'): Field<number> {
  const read = ({ text }: { text: string }) => extreme(numbersAfter(text, LAYER_END), Math.max)
  return { place, keys: [], signs: [LAYER_END], read }
}

function extruded(source: Source): number | undefined {
  const lengths = allOf(source, EXTRUDED).flatMap(({ value: raw }) =>
    /^[\d.]{1,30} *mm/.test(raw) ? (numberIn(raw) ?? []) : [],
  )
  return lengths.length === 0 ? undefined : sum(lengths)
}

function minutesIn(raw: string): number | undefined {
  const minutes = numberIn(raw)
  return minutes === undefined ? undefined : round(minutes * 60, 2)
}
