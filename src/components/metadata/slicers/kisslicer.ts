// KISSlicer: "; key = value" settings at the top, totals at the end.
import type { Slicer } from '../field.ts'
import { everyNumber, highest, inText, number, value } from '../field.ts'
import { decode, numberIn, round, sum } from '../values.ts'

const LAYER_END = /;\sEND_LAYER_OBJECT\sz=([0-9]*\.?[0-9]+)/g
const EXTRUDED = /; {1,40}Ext #\d{1,4}\s{1,40}=\s{1,40}([0-9]*\.?[0-9]+) {0,40}mm/g

/** KISSlicer. */
export const kisslicer: Slicer = {
  identify(head) {
    if (!/;\sKISSlicer/.test(head)) return undefined
    const version = /;\sversion\s([^\r\n]{0,100})/.exec(head)?.[1]
    return { slicer: 'KISSlicer', slicer_version: decode(version ?? '?').replaceAll(' ', '-') }
  },
  fields: {
    object_height: highest('tail', LAYER_END),
    estimated_time: value('tail', 'Calculated-during-export Build Time', minutesIn),
    layer_height: number('head', 'max_layer_thickness_mm'),
    first_layer_height: number('head', 'first_layer_thickness_mm'),
    first_layer_extr_temp: number('head', 'first_layer_C'),
    first_layer_bed_temp: number('head', 'bed_C'),
    chamber_temp: number('head', 'chamber_C'),
    filament_total: inText('tail', tail => {
      const lengths = everyNumber(tail, EXTRUDED)
      return lengths.length === 0 ? undefined : sum(lengths)
    }),
  },
}

function minutesIn(raw: string): number | undefined {
  const minutes = numberIn(raw)
  return minutes === undefined ? undefined : round(minutes * 60, 2)
}
