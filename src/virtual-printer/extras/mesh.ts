// Bed meshes as data: probed points, the finer matrix between them, and their saved form.

/** The parameters of a mesh under Klipper's names. */
export interface MeshParams {
  min_x: number
  max_x: number
  min_y: number
  max_y: number
  x_count: number
  y_count: number
  mesh_x_pps: number
  mesh_y_pps: number
  algo: string
  tension: number
}

/** A mesh that has been measured. */
export interface Mesh {
  readonly points: readonly (readonly number[])[]
  readonly params: MeshParams
}

/** The matrix of a mesh with the points between the probed ones. */
export function meshMatrix({ points, params }: Mesh): number[][] {
  const width = (params.x_count - 1) * (params.mesh_x_pps + 1) + 1
  const height = (params.y_count - 1) * (params.mesh_y_pps + 1) + 1
  const rows = Array.from({ length: height }, (_, row) => {
    const y = row / (params.mesh_y_pps + 1)
    return Array.from({ length: width }, (_, column) => between(points, column / (params.mesh_x_pps + 1), y))
  })
  return rows.map(row => row.map(z => Math.round(z * 1e6) / 1e6))
}

function between(points: readonly (readonly number[])[], x: number, y: number): number {
  const left = Math.min(Math.floor(x), points[0]!.length - 1)
  const right = Math.min(left + 1, points[0]!.length - 1)
  const low = Math.min(Math.floor(y), points.length - 1)
  const high = Math.min(low + 1, points.length - 1)
  const along = (row: readonly number[]) => row[left]! + (row[right]! - row[left]!) * (x - left)
  return along(points[low]!) + (along(points[high]!) - along(points[low]!)) * (y - low)
}

/** The options of a `[bed_mesh NAME]` section as SAVE_CONFIG writes them. */
export function meshOptions({ points, params }: Mesh): Record<string, string> {
  const table = points.map(row => row.map(z => z.toFixed(6)).join(', ')).join('\n')
  const options: Record<string, string> = { version: '1', points: `\n${table}` }
  for (const name of ['x_count', 'y_count', 'mesh_x_pps', 'mesh_y_pps', 'algo', 'tension'] as const) {
    options[name] = String(params[name])
  }
  for (const name of ['min_x', 'max_x', 'min_y', 'max_y'] as const) options[name] = String(params[name])
  return options
}

/** Points to probe, in the order of the moves: back and forth along x. */
export function probePath(params: MeshParams): [x: number, y: number][] {
  const path: [number, number][] = []
  const step = (min: number, max: number, count: number, index: number) =>
    min + ((max - min) / Math.max(1, count - 1)) * index
  for (let row = 0; row < params.y_count; row++) {
    const y = step(params.min_y, params.max_y, params.y_count, row)
    for (let index = 0; index < params.x_count; index++) {
      const column = row % 2 === 0 ? index : params.x_count - 1 - index
      path.push([step(params.min_x, params.max_x, params.x_count, column), y])
    }
  }
  return path
}
