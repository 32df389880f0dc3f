// Klipper's status, as far as the panel shows it.
import type { StatusChange } from '../../api/printer.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { callMethod } from '../../rpc/call-method.ts'
import { isPlainObject } from '../../schema/index.ts'

/** Metadata of a G-code file, as the method server.files.metadata returns it. */
type FileMetadata = Readonly<Record<string, unknown>>

/** Fields that change while something happens; others would be pushed by an idle printer. */
const OBJECTS = {
  motion_report: ['live_position'],
  gcode_move: ['speed_factor', 'extrude_factor', 'gcode_position', 'homing_origin'],
  toolhead: ['homed_axes', 'extruder'],
  virtual_sdcard: ['progress'],
  fan: ['speed'],
  display_status: ['message'],
  print_stats: ['state', 'filename', 'print_duration', 'filament_used'],
  idle_timeout: ['state'],
}

const HEATER = ['temperature', 'target']

export class PrinterView {
  readonly #core: Core
  #status: StatusChange = {}
  #extruders: readonly string[] = []
  #kinematics = ''
  #metadata: FileMetadata = {}

  constructor(core: Core, scope: Scope) {
    this.#core = core
    const { events, printer } = core
    const follow = () =>
      this.#follow().catch((error: unknown) => {
        if (printer.link.connected) core.log.warning(`cannot follow the printer: ${messageOf(error)}`)
      })
    scope.use(events.on('klippy:ready', follow))
    scope.use(
      events.on('klippy:disconnected', () => {
        this.#status = {}
      }),
    )
    scope.defer(() => printer.unsubscribe(this))
    if (printer.session.state === 'ready') void follow()
  }

  /** The extruders, the first one first. */
  get extruders(): readonly string[] {
    return this.#extruders
  }

  /** `printer.kinematics` of Klipper's configuration; '' while it is not known. */
  get kinematics(): string {
    return this.#kinematics
  }

  /** The metadata of the file that is printed. */
  get metadata(): FileMetadata {
    return this.#metadata
  }

  /** Whether Klipper's status is known: not before its first reply. */
  get isKnown(): boolean {
    return this.has('toolhead')
  }

  has(object: string): boolean {
    return Object.hasOwn(this.#status, object)
  }

  /** A number; 0 if it is not known. */
  number(object: string, field: string): number {
    const value = this.#status[object]?.[field]
    return typeof value === 'number' ? value : 0
  }

  /** A text; '' if it is not known. */
  text(object: string, field: string): string {
    const value = this.#status[object]?.[field]
    return typeof value === 'string' ? value : ''
  }

  /** Four numbers, those that are not known 0: x, y, z, e. */
  position(object: string, field: string): readonly [number, number, number, number] {
    const value = this.#status[object]?.[field]
    const at = (index: number) =>
      Array.isArray(value) && typeof value[index] === 'number' ? value[index] : 0
    return [at(0), at(1), at(2), at(3)]
  }

  statusChanged(change: StatusChange): void {
    const status = { ...this.#status }
    for (const [name, fields] of Object.entries(change)) status[name] = { ...status[name], ...fields }
    this.#status = status
    if (change.print_stats?.filename !== undefined) void this.#readMetadata()
  }

  async #follow(): Promise<void> {
    const { printer } = this.#core
    const names = printer.session.objects
    const isExtruder = (name: string) => /^extruder\d*$/.test(name)
    this.#extruders = names.filter(isExtruder).sort((a, b) => toolOf(a) - toolOf(b))
    const heaters = names.filter(name => name === 'heater_bed' || isExtruder(name))
    const objects = Object.entries(OBJECTS).filter(([name]) => names.includes(name))
    const request = Object.fromEntries([...objects, ...heaters.map(name => [name, HEATER] as const)])
    const { status } = await printer.subscribe(this, request)
    this.#status = {}
    this.statusChanged(status)
    this.#kinematics = kinematicsOf(await printer.query({ configfile: ['settings'] }))
  }

  async #readMetadata(): Promise<void> {
    const filename = this.text('print_stats', 'filename')
    const known = filename === '' ? {} : await this.#metadataOf(filename)
    if (filename === this.text('print_stats', 'filename')) this.#metadata = known
  }

  async #metadataOf(filename: string): Promise<FileMetadata> {
    try {
      return await callMethod(this.#core, 'server.files.metadata', { filename })
    } catch {
      return {}
    }
  }
}

/** The number of the tool with an extruder. */
export function toolOf(extruder: string): number {
  return Number(extruder.replace('extruder', ''))
}

function kinematicsOf({ status }: { readonly status: StatusChange }): string {
  const settings = status.configfile?.settings
  const printer = isPlainObject(settings) ? settings.printer : undefined
  return isPlainObject(printer) && typeof printer.kinematics === 'string' ? printer.kinematics : ''
}
