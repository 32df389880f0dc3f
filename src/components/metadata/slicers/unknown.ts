// G-code of an unknown program: only what the commands themselves show.
import type { Slicer } from '../field.ts'
import { highest, lowest, match } from '../field.ts'

const Z_MOVE = /G1\sZ([0-9]*\.?[0-9]+)\s/g

/** Takes every file. */
export const unknownSlicer: Slicer = {
  identify: () => ({ slicer: 'Unknown', slicer_version: '?' }),
  fields: {
    object_height: highest('tail', Z_MOVE),
    first_layer_height: lowest('head', Z_MOVE),
    first_layer_extr_temp: match('head', /M109 S([0-9]*\.?[0-9]+)/),
    first_layer_bed_temp: match('head', /M190 S([0-9]*\.?[0-9]+)/),
    chamber_temp: match('head', /M191 S([0-9]*\.?[0-9]+)/),
  },
}
