// The `bed_mesh` object: measures, saves and loads meshes.

import type { Section } from '../config/section.ts'
import { GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Status } from '../objects.ts'
import { bedHeight } from './bed-surface.ts'
import { type Mesh, type MeshParams, meshMatrix, meshOptions, probePath } from './mesh.ts'
import type { Probe } from './probe.ts'

const EMPTY = { profile_name: '', mesh_min: [0, 0], mesh_max: [0, 0], probed_matrix: [[]], mesh_matrix: [[]] }

/** Meshes of the bed by profile name, and the one in use. */
export class BedMesh {
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #gcodeMove: GcodeMove
  readonly #probe: () => Probe | undefined
  readonly #params: MeshParams
  readonly #speed: number
  readonly #travelHeight: number
  #profiles: Record<string, { points: Mesh['points']; mesh_params: MeshParams }> = {}
  #current: { name: string; mesh: Mesh; matrix: number[][] } | undefined

  constructor(
    host: Host,
    section: Section,
    toolhead: Toolhead,
    gcodeMove: GcodeMove,
    probe: () => Probe | undefined,
  ) {
    this.#host = host
    this.#toolhead = toolhead
    this.#gcodeMove = gcodeMove
    this.#probe = probe
    this.#params = readParams(section)
    this.#travelHeight = section.number('horizontal_move_z', 5)
    this.#speed = section.number('speed', 50, { above: 0 })
    section.number('fade_start', 1)
    section.number('fade_end', 0)
    section.number('split_delta_z', 0.025, { min: 0.01 })
    section.number('move_check_distance', 5, { min: 3 })
    for (const name of host.config.names) if (name.startsWith('bed_mesh ')) this.#readProfile(name)
    this.#register()
  }

  status(): Status {
    const current = this.#current
    if (current === undefined) return { ...EMPTY, profiles: this.#profiles }
    const { params, points } = current.mesh
    return {
      profile_name: current.name,
      mesh_min: [params.min_x, params.min_y],
      mesh_max: [params.max_x, params.max_y],
      probed_matrix: points,
      mesh_matrix: current.matrix,
      profiles: this.#profiles,
    }
  }

  #register(): void {
    const { gcode, endpoints } = this.#host
    gcode.register('BED_MESH_CALIBRATE', command => this.#calibrate(command), 'Perform Mesh Bed Leveling')
    gcode.register(
      'BED_MESH_PROFILE',
      command => this.#profile(command),
      'Bed Mesh Persistent Storage management',
    )
    gcode.register('BED_MESH_OUTPUT', () => this.#output(), 'Retrieve interpolated grid of probed z-points')
    gcode.register('BED_MESH_MAP', () => this.#map(), 'Serialize mesh and output to terminal')
    gcode.register(
      'BED_MESH_CLEAR',
      () => {
        this.#current = undefined
      },
      'Clear the Mesh so no z-adjustment is made',
    )
    gcode.register(
      'BED_MESH_OFFSET',
      () => {
        if (this.#current === undefined) gcode.respondInfo('No mesh loaded to offset')
      },
      'Add X/Y offsets to the mesh lookup',
    )
    endpoints.add('bed_mesh/dump_mesh', () => this.#dump())
  }

  #use(name: string, mesh: Mesh): void {
    this.#current = { name, mesh, matrix: meshMatrix(mesh) }
  }

  #readProfile(name: string): void {
    const section = this.#host.config.section(name)
    section.integer('version', 1)
    const points = section.table('points')
    const params = {
      min_x: section.number('min_x'),
      max_x: section.number('max_x'),
      min_y: section.number('min_y'),
      max_y: section.number('max_y'),
      x_count: section.integer('x_count'),
      y_count: section.integer('y_count'),
      mesh_x_pps: section.integer('mesh_x_pps', 2),
      mesh_y_pps: section.integer('mesh_y_pps', 2),
      algo: section.text('algo', 'lagrange'),
      tension: section.number('tension', 0.2),
    }
    this.#profiles = { ...this.#profiles, [section.title]: { points, mesh_params: params } }
  }

  async #calibrate(command: GcodeCommand): Promise<void> {
    const { gcode } = this.#host
    const name = command.text('PROFILE', 'default')
    if (name.trim() === '') throw new GcodeError("Value for parameter 'PROFILE' must be specified")
    if (!this.#toolhead.homed.includes('z')) throw new GcodeError('Must home before probe')
    this.#current = undefined
    const params = paramsOf(command, this.#params)
    const points = Array.from({ length: params.y_count }, () =>
      Array.from({ length: params.x_count }, () => 0),
    )
    for (const [index, [x, y]] of probePath(params).entries()) {
      const row = Math.floor(index / params.x_count)
      const along = index % params.x_count
      const column = row % 2 === 0 ? along : params.x_count - 1 - along
      points[row]![column] = Math.round((await this.#measure(x, y)) * 1e6) / 1e6
    }
    const mesh = { points, params }
    this.#use(name, mesh)
    this.#save(name, mesh)
    gcode.respondInfo('Mesh Bed Leveling Complete')
    gcode.respondInfo(
      `Bed Mesh state has been saved to profile [${name}]\nfor the current session.  The SAVE_CONFIG command will\nupdate the printer config file and restart the printer.`,
    )
  }

  // Moves the probe over a position and measures; without a probe it reads the simulated bed.
  async #measure(x: number, y: number): Promise<number> {
    const probe = this.#probe()
    const [offsetX, offsetY, offsetZ] = probe?.offsets ?? [0, 0, 0]
    const lift = this.#toolhead.position
    lift[2] = this.#travelHeight
    await this.#toolhead.move(lift, this.#speed)
    lift[0] = x - offsetX
    lift[1] = y - offsetY
    await this.#toolhead.move(lift, this.#speed)
    this.#gcodeMove.adopt()
    return probe === undefined ? bedHeight(x, y) : (await probe.probe()) - offsetZ
  }

  #profile(command: GcodeCommand): void {
    for (const action of ['SAVE', 'LOAD', 'REMOVE'] as const) {
      if (!command.has(action)) continue
      const name = command.text(action)
      if (name.trim() === '') throw new GcodeError(`Value for parameter '${action}' must be specified`)
      if (action === 'SAVE') this.#saveCurrent(name)
      else if (action === 'LOAD') this.#loadProfile(name)
      else this.#remove(name)
      return
    }
    this.#host.gcode.respondInfo(`Invalid syntax '${command.line}'`)
  }

  #saveCurrent(name: string): void {
    if (this.#current === undefined) {
      this.#host.gcode.respondInfo(`Unable to save to profile [${name}], the bed has not been probed`)
      return
    }
    this.#use(name, this.#current.mesh)
    this.#save(name, this.#current.mesh)
    this.#host.gcode.respondInfo(
      `Bed Mesh state has been saved to profile [${name}]\nfor the current session.  The SAVE_CONFIG command will\nupdate the printer config file and restart the printer.`,
    )
  }

  #save(name: string, mesh: Mesh): void {
    const { config } = this.#host
    for (const [option, value] of Object.entries(meshOptions(mesh)))
      config.set(`bed_mesh ${name}`, option, value)
    this.#profiles = { ...this.#profiles, [name]: { points: mesh.points, mesh_params: mesh.params } }
  }

  #loadProfile(name: string): void {
    const profile = this.#profiles[name]
    if (profile === undefined) throw new UnsupportedError(`bed_mesh: Unknown profile [${name}]`)
    this.#use(name, { points: profile.points, params: profile.mesh_params })
  }

  #remove(name: string): void {
    const { gcode, config } = this.#host
    if (this.#profiles[name] === undefined) {
      gcode.respondInfo(`No profile named [${name}] to remove`)
      return
    }
    const { [name]: _, ...others } = this.#profiles
    this.#profiles = others
    config.remove(`bed_mesh ${name}`)
    gcode.respondInfo(
      `Profile [${name}] removed from storage for this session.\nThe SAVE_CONFIG command will update the printer\nconfiguration and restart the printer`,
    )
  }

  #output(): void {
    const { gcode } = this.#host
    if (this.#current === undefined) {
      gcode.respondInfo('Bed has not been probed')
      return
    }
    const { mesh, matrix } = this.#current
    const rows = mesh.points.map(row => row.map(z => z.toFixed(6)).join(' '))
    gcode.respondInfo(`Mesh Leveling Probed Z positions:\n${rows.join('\n')}`)
    gcode.respondRaw(describeMesh(matrix, mesh.params.algo, this.#travelHeight))
  }

  #map(): void {
    const { gcode } = this.#host
    const current = this.#current
    if (current === undefined) {
      gcode.respondInfo('Bed has not been probed')
      return
    }
    const { params, points } = current.mesh
    const map = {
      mesh_min: [params.min_x, params.min_y],
      mesh_max: [params.max_x, params.max_y],
      z_positions: points,
    }
    gcode.respondRaw(`mesh_map_output ${JSON.stringify(map)}`)
  }

  #dump(): unknown {
    const params = this.#params
    const path = probePath(params)
    const { axisMinimum, axisMaximum } = this.#toolhead.kinematics
    const { min_x, max_x, min_y, max_y, ...config } = params
    const current = this.#current
    return {
      current_mesh:
        current === undefined
          ? {}
          : {
              name: current.name,
              probed_matrix: current.mesh.points,
              mesh_matrix: current.matrix,
              mesh_params: current.mesh.params,
            },
      profiles: this.#profiles,
      calibration: {
        points: path,
        config: { ...config, mesh_min: [min_x, min_y], mesh_max: [max_x, max_y], origin: null, radius: null },
        probe_path: path,
        rapid_path: path.map(point => [point, true]),
      },
      probe_offsets: this.#probe()?.offsets ?? [0, 0, 0],
      axis_minimum: axisMinimum,
      axis_maximum: axisMaximum,
    }
  }
}

function readParams(section: Section): MeshParams {
  const pair = (values: number[]): [number, number] => [values[0]!, values[1] ?? values[0]!]
  section.number('adaptive_margin', 0)
  section.number('scan_overshoot', 0, { min: 0 })
  const [x_count, y_count] = pair(section.numbers('probe_count', [3, 3]))
  const radius = section.optionalNumber('mesh_radius', { above: 0 })
  const [min_x, min_y] =
    radius === undefined ? pair(section.numbers('mesh_min', undefined, 2)) : [-radius, -radius]
  const [max_x, max_y] =
    radius === undefined ? pair(section.numbers('mesh_max', undefined, 2)) : [radius, radius]
  const [mesh_x_pps, mesh_y_pps] = pair(section.numbers('mesh_pps', [2, 2]))
  const algo = section.choice('algorithm', ['lagrange', 'bicubic'], 'lagrange')
  const tension = section.number('bicubic_tension', 0.2, { min: 0, max: 2 })
  return { min_x, max_x, min_y, max_y, x_count, y_count, mesh_x_pps, mesh_y_pps, algo, tension }
}

function paramsOf(command: GcodeCommand, params: MeshParams): MeshParams {
  const pair = (name: string, fallback: [number, number]): [number, number] => {
    if (!command.has(name)) return fallback
    const [first = Number.NaN, second = first] = command.text(name).split(',').map(Number)
    if (Number.isNaN(first + second)) throw new GcodeError(`Unable to parse parameter '${name}'`)
    return [first, second]
  }
  const [min_x, min_y] = pair('MESH_MIN', [params.min_x, params.min_y])
  const [max_x, max_y] = pair('MESH_MAX', [params.max_x, params.max_y])
  const [x_count, y_count] = pair('PROBE_COUNT', [params.x_count, params.y_count])
  return { ...params, min_x, min_y, max_x, max_y, x_count, y_count }
}

/** The interpolated mesh as Klipper prints it, the row farthest back first. */
function describeMesh(matrix: readonly (readonly number[])[], algo: string, height: number): string {
  const all = matrix.flat()
  const average = all.reduce((sum, z) => sum + z, 0) / all.length
  const rows = [...matrix].reverse().map(row => `${row.map(z => `  ${z.toFixed(6)}`).join('')}\n`)
  return (
    `Mesh X,Y: ${matrix[0]?.length ?? 0},${matrix.length}\n` +
    `Search Height: ${Math.trunc(height)}\n` +
    'Mesh Offsets: X=0.0000, Y=0.0000\n' +
    `Mesh Average: ${average.toFixed(2)}\n` +
    `Mesh Range: min=${Math.min(...all).toFixed(4)} max=${Math.max(...all).toFixed(4)}\n` +
    `Interpolation Algorithm: ${algo}\nMeasured points:\n${rows.join('')}`
  )
}
