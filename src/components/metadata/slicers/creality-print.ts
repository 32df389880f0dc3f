// Creality Print 4, whose engine (CXEngine) writes Cura's header without Cura's name. Later versions are forks of
// OrcaSlicer.
import type { Slicer } from '../field.ts'
import { decimal, integer, number, text, value } from '../field.ts'
import { decode, numberIn, round, sumIn } from '../values.ts'

/** Creality Print 4. */
export const crealityPrint: Slicer = {
  identify(head) {
    const version = /\n; ?Creality Print Version ?: ?([^\r\n]{1,100})/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'Creality Print', slicer_version: decode(version) }
  },
  fields: {
    layer_count: integer('head', 'LAYER_COUNT'),
    object_height: decimal('head', 'MAXZ'),
    estimated_time: decimal('head', 'TIME'),
    layer_height: decimal('head', 'Layer height', 'Layer Height'),
    first_layer_height: decimal('head', 'MINZ'),
    first_layer_extr_temp: number('head', 'Print Temperature'),
    first_layer_bed_temp: number('head', 'Bed Temperature'),
    filament_name: text('head', 'Material Name'),
    filament_type: text('head', 'Material Type', 'Material name'),
    // In metres, of which the engine writes six digits.
    filament_total: value('head', 'Filament used', raw => {
      const metres = sumIn(raw)
      return metres === undefined ? undefined : Math.round(metres * 1000)
    }),
    filament_weight_total: value('head', 'Filament Weight', raw => {
      const grams = numberIn(raw)
      return grams === undefined ? undefined : round(grams, 2)
    }),
    printer_model: text('head', 'Machine Name'),
  },
}
