// Slic3r, and the Prusa edition of it that came before PrusaSlicer.
import type { Slicer } from '../field.ts'
import { number, value } from '../field.ts'
import { decode, numberIn } from '../values.ts'
import { prusaFields, prusaObjects } from './prusa-slicer.ts'

const { estimated_time: _never, ...slic3rFields } = prusaFields

/** Slic3r: no printing time, lengths in metres, no images. */
export const slic3r: Slicer = {
  identify(head) {
    const version = /Slic3r\s(\d[^\n]{0,80})\son/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'Slic3r', slicer_version: decode(version) }
  },
  fields: {
    ...slic3rFields,
    filament_total: value('tail', 'filament_length_m', raw => {
      const metres = numberIn(raw)
      return metres === undefined ? undefined : metres * 1000
    }),
    filament_weight_total: number('tail', 'filament mass_g'),
  },
  thumbnails: false,
  objects: prusaObjects,
}

/** Slic3r Prusa Edition. */
export const slic3rPrusaEdition: Slicer = {
  identify(head) {
    const version = /Slic3r\sPrusa\sEdition\s([^\n]{0,80})\son/.exec(head)?.[1]
    return version === undefined ? undefined : { slicer: 'Slic3r PE', slicer_version: decode(version) }
  },
  fields: {
    ...prusaFields,
    filament_total: value('tail', 'filament used', raw =>
      /^[0-9.]+mm/.test(raw) ? numberIn(raw) : undefined,
    ),
  },
  thumbnails: false,
  objects: prusaObjects,
}
