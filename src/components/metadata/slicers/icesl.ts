// IceSL: "; key : value" settings at the top of the file.
import type { Slicer } from '../field.ts'
import { decimal, integer, number, text } from '../field.ts'
import { decode } from '../values.ts'

/** IceSL. */
export const icesl: Slicer = {
  identify(head) {
    const version = /<IceSL\s([^\n<>]{1,60})>/.exec(head)?.[1]
    if (version === undefined) return undefined
    return { slicer: 'IceSL', slicer_version: /^\d/.test(version) ? decode(version) : '-' }
  },
  fields: {
    layer_count: integer('head', 'layer_count'),
    object_height: decimal('head', 'print_height_mm'),
    estimated_time: number('head', 'estimated_print_time_s'),
    nozzle_diameter: number('head', 'nozzle_diameter_mm_0'),
    layer_height: decimal('head', 'z_layer_height_mm'),
    first_layer_height: decimal('head', 'z_layer_height_first_layer_mm'),
    first_layer_extr_temp: number('head', 'extruder_temp_degree_c_0'),
    first_layer_bed_temp: number('head', 'bed_temp_degree_c'),
    chamber_temp: number('head', 'chamber_temp_degree_c'),
    filament_name: text('head', 'filament_name'),
    filament_type: text('head', 'filament_type'),
    filament_total: number('head', 'filament_used_mm'),
    filament_weight_total: number('head', 'filament_used_g'),
  },
}
