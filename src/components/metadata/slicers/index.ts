// Every slicer we know, in the order in which they are asked. A new one is a file here and a line below.
import type { Slicer } from '../field.ts'
import type { SlicerIdentity } from '../types.ts'
import { bambuStudio } from './bambu-studio.ts'
import { cura } from './cura.ts'
import { icesl } from './icesl.ts'
import { ideaMaker } from './ideamaker.ts'
import { kiriMoto } from './kiri-moto.ts'
import { kisslicer } from './kisslicer.ts'
import { prusaSlicer } from './prusa-slicer.ts'
import { simplify3d } from './simplify3d.ts'
import { slic3r, slic3rPrusaEdition } from './slic3r.ts'
import { unknownSlicer } from './unknown.ts'

/** Those with a line of their own come before PrusaSlicer, whose line any fork may write. */
const SLICERS: readonly Slicer[] = [
  slic3rPrusaEdition,
  slic3r,
  bambuStudio,
  prusaSlicer,
  cura,
  simplify3d,
  kisslicer,
  ideaMaker,
  icesl,
  kiriMoto,
]

/** The slicer of a file by the start of it (latin1), and what it calls itself. */
export function slicerOf(head: string): { slicer: Slicer; identity: SlicerIdentity } {
  for (const slicer of [...SLICERS, unknownSlicer]) {
    const identity = slicer.identify(head)
    if (identity) return { slicer, identity }
  }
  throw new Error('the last slicer takes every file')
}
