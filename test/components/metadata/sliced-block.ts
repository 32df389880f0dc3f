// A block, as a model of STL, sliced on the command line into a folder that goes away with it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where a slicer finds the model, and where its files go. */
export interface SlicePaths {
  readonly folder: string
  readonly model: string
  readonly gcode: string
}

/** A G-code file; `using` removes it. */
export interface SlicedBlock extends Disposable {
  readonly path: string
  readonly text: string
}

/** A block's edges in mm. */
export type Edges = readonly [x: number, y: number, z: number]

/** Two triangles for each side, as corners; bit 0 of a corner is x, bit 1 y, bit 2 z. Counterclockwise seen from outside. */
const TRIANGLES = [
  [0, 2, 1],
  [1, 2, 3],
  [4, 5, 6],
  [5, 7, 6],
  [0, 1, 4],
  [1, 5, 4],
  [2, 6, 3],
  [3, 6, 7],
  [0, 4, 2],
  [2, 4, 6],
  [1, 3, 5],
  [3, 7, 5],
]

/** Slices a block. Throws the slicer's output if it fails. */
export function slice(edges: Edges, command: string, args: (paths: SlicePaths) => string[]): SlicedBlock {
  const folder = mkdtempSync(join(tmpdir(), 'slice-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const paths = { folder, model: join(folder, 'block.stl'), gcode: join(folder, 'block.gcode') }
  try {
    writeFileSync(paths.model, stl(edges))
    const { status, error, stdout, stderr } = spawnSync(command, args(paths), {
      encoding: 'utf8',
      timeout: 60_000,
    })
    if (status !== 0)
      throw new Error(`${command} failed: ${error ?? status}\n${stdout}${stderr.slice(-2000)}`)
    return { path: paths.gcode, text: readFileSync(paths.gcode, 'utf8'), [Symbol.dispose]: remove }
  } catch (failure) {
    remove()
    throw failure
  }
}

function stl(edges: Edges): string {
  const corner = (bits: number) => edges.map((edge, axis) => ((bits >> axis) & 1) * edge).join(' ')
  const facets = TRIANGLES.map(corners => {
    const vertices = corners.map(bits => `vertex ${corner(bits)}`)
    return `facet normal 0 0 0\nouter loop\n${vertices.join('\n')}\nendloop\nendfacet`
  })
  return `solid block\n${facets.join('\n')}\nendsolid block\n`
}
