// The known slicers, in the order of identification. A new one is a file in this folder and a line in this list.
import type { Slicer } from '../field.ts'
import type { SlicerIdentity } from '../types.ts'
import { bambuStudio } from './bambu-studio.ts'
import { crealityPrint } from './creality-print.ts'
import { cura } from './cura.ts'
import { icesl } from './icesl.ts'
import { ideaMaker } from './ideamaker.ts'
import { kiriMoto } from './kiri-moto.ts'
import { kisslicer } from './kisslicer.ts'
import { prusaSlicer } from './prusa-slicer.ts'
import { simplify3d } from './simplify3d.ts'
import { slic3r, slic3rPrusaEdition } from './slic3r.ts'
import { unknownSlicer } from './unknown.ts'

/** PrusaSlicer comes after all slicers that have another first line: its forks may write its line too. */
const SLICERS: readonly Slicer[] = [
  slic3rPrusaEdition,
  slic3r,
  bambuStudio,
  prusaSlicer,
  crealityPrint,
  cura,
  simplify3d,
  kisslicer,
  ideaMaker,
  icesl,
  kiriMoto,
]

const IDENTIFYING_TEXT = 1024 * 1024

/** The slicer of a file by the first MiB of `head` (latin1), with its name and version. */
export function slicerOf(head: string): { slicer: Slicer; identity: SlicerIdentity } {
  const text = head.slice(0, IDENTIFYING_TEXT)
  for (const slicer of SLICERS) {
    const identity = slicer.identify(text)
    if (identity) return { slicer, identity: { ...identity, slicer_version: identity.slicer_version.trim() } }
  }
  return { slicer: unknownSlicer, identity: { slicer: 'Unknown', slicer_version: '?' } }
}
