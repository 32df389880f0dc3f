// BambuStudio: PrusaSlicer's comments, but in a header and a configuration block at the top of the file.
import type { Field, FieldReaders, Slicer } from '../field.ts'
import { integer, number } from '../field.ts'
import { decode } from '../values.ts'
import { prusaFields, prusaObjects } from './prusa-slicer.ts'

const {
  filament_weights: _none,
  printer_vendor,
  printer_model,
  printer_variant,
  profile_version,
  ...shared
} = prusaFields

/** BambuStudio. */
export const bambuStudio: Slicer = {
  identify(head) {
    const version = /; BambuStudio[^ \n]{0,50} ([^\r\n]{1,100})/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'BambuStudio', slicer_version: decode(version) }
  },
  fields: {
    ...atTop(shared),
    layer_count: integer('head', 'total layer number'),
    object_height: number('head', 'max_z_height'),
    first_layer_height: number('head', 'initial_layer_print_height'),
    first_layer_extr_temp: number('head', 'nozzle_temperature_initial_layer'),
    first_layer_bed_temp: number('head', 'hot_plate_temp_initial_layer'),
    chamber_temp: number('head', 'chamber_temperatures'),
    filament_total: number('head', 'total filament length [mm]'),
    filament_weight_total: number('head', 'total filament weight [g]'),
    printer_vendor,
    printer_model,
    printer_variant,
    profile_version,
  },
  objects: prusaObjects,
}

function atTop<Fields extends FieldReaders>(fields: Fields): Fields {
  const moved = Object.entries<Field<unknown>>(fields).map(([name, field]) => [
    name,
    { ...field, place: 'head' },
  ])
  return Object.fromEntries(moved)
}
