// G-code of an unknown program: only fields that follow from its commands.
import type { Slicer } from '../field.ts'
import { inText } from '../field.ts'
import { extreme, firstNumberAfter, zMoves } from '../gcode-lines.ts'

/** Accepts every file. */
export const unknownSlicer: Slicer = {
  identify: () => ({ slicer: 'Unknown', slicer_version: '?' }),
  fields: {
    object_height: inText('tail', tail => extreme(zMoves(tail), Math.max)),
    first_layer_height: inText('head', head => extreme(zMoves(head), Math.min)),
    first_layer_extr_temp: inText('head', head => firstNumberAfter(head, 'M109 S')),
    first_layer_bed_temp: inText('head', head => firstNumberAfter(head, 'M190 S')),
    chamber_temp: inText('head', head => firstNumberAfter(head, 'M191 S')),
  },
}
