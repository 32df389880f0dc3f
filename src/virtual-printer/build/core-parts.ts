// The parts that every machine has, created before its other sections.

import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import type { Section } from '../config/section.ts'
import { queryAdc } from '../extras/drivers.ts'
import type { FilamentSensor } from '../extras/filament-sensor.ts'
import { ManualProbe } from '../extras/manual-probe.ts'
import { tuningTower } from '../extras/tuning-tower.ts'
import { bedCommands, hotendCommands, pidCalibrate } from '../heat/heater-commands.ts'
import { type Heater, Heaters, readSensor } from '../heat/heaters.ts'
import { RoomSensor, sensorBase } from '../heat/sensors.ts'
import type { Host } from '../host.ts'
import { scriptTemplate } from '../macros/script-template.ts'
import { Extruder, extruderCommands } from '../motion/extruder.ts'
import { GcodeMove } from '../motion/gcode-move.ts'
import { Homing, homingCommands } from '../motion/homing.ts'
import { readKinematics } from '../motion/kinematics.ts'
import { forceMoveCommands, StepperEnable } from '../motion/steppers.ts'
import { Toolhead } from '../motion/toolhead.ts'
import { toolheadCommands } from '../motion/toolhead-commands.ts'
import { PrintStats } from '../print/print-stats.ts'
import { VirtualSdcard } from '../print/virtual-sdcard.ts'

/** The parts that other modules use. */
export interface CoreParts {
  readonly toolhead: Toolhead
  readonly gcodeMove: GcodeMove
  readonly homing: Homing
  readonly steppers: StepperEnable
  readonly stepperNames: readonly string[]
  readonly heaters: Heaters
  readonly heatersByObject: ReadonlyMap<string, Heater>
  readonly extruders: ReadonlyMap<string, Extruder>
  readonly printStats: PrintStats
  readonly sdcard: VirtualSdcard | undefined
  readonly manualProbe: ManualProbe
  /** Room sensors by object name. */
  readonly sensors: Map<string, RoomSensor>
  /** By the section's name without its kind. */
  readonly filamentSensors: Map<string, FilamentSensor>
}

/** Creates the parts. Throws ConfigError. `gcodesPath` replaces a missing `[virtual_sdcard]` folder. */
export function buildCore(host: Host, gcodesPath: string | undefined): CoreParts {
  const { config } = host
  const toolhead = new Toolhead(host, readKinematics(config))
  const gcodeMove = new GcodeMove(host, toolhead)
  const homing = new Homing(host, toolhead, gcodeMove)
  const heaters = new Heaters(host, () => toolhead.keepAwake())
  const heatersByObject = new Map<string, Heater>()
  const extruders = new Map<string, Extruder>()
  for (const name of config.names) {
    if (name === 'heater_bed') heatersByObject.set(name, heaters.add(config.section(name), 'B'))
    else if (name.startsWith('heater_generic ')) heatersByObject.set(name, heaters.add(config.section(name)))
  }
  const bed = heatersByObject.get('heater_bed')
  if (bed !== undefined) bedCommands(host, heaters, bed)
  for (const name of config.names) {
    const match = /^extruder(\d*)$/.exec(name)
    if (match === null) continue
    const section = config.section(name)
    const heater = heaters.add(section, `T${match[1] === '' ? '0' : match[1]}`)
    heatersByObject.set(name, heater)
    extruders.set(name, new Extruder(section, heater, toolhead))
  }
  const first = extruders.get('extruder')
  if (first !== undefined) toolhead.useExtruder(first)
  const stepperNames = [...toolhead.kinematics.steppers, ...extruders.keys()]
  const steppers = new StepperEnable(host, toolhead, stepperNames)
  hotendCommands(host, heaters, extruders, toolhead)
  pidCalibrate(host, heaters)
  queryAdc(host, () => heaters.status().available_sensors as string[])
  tuningTower(host, toolhead)
  extruderCommands(host, extruders, toolhead)
  toolheadCommands(host, toolhead)
  const script = (where: string) => (template: string, command: { params: ReadonlyMap<string, string> }) =>
    scriptTemplate(host, where, template).render({ params: new Map(command.params) })
  homingCommands(host, homing, toolhead, gcodeMove, script('homing_override:gcode'))
  forceMoveCommands(host, toolhead, gcodeMove, new Set(stepperNames))
  const printStats = new PrintStats(host, gcodeMove)
  const sdcard = buildSdcard(host, printStats, gcodesPath)
  if (config.has('virtual_printer') && config.section('virtual_printer').boolean('skip_unsupported', false)) {
    host.gcode.skipsUnsupported = () => sdcard?.fromFile === true
  }
  return {
    toolhead,
    gcodeMove,
    homing,
    steppers,
    stepperNames,
    heaters,
    heatersByObject,
    extruders,
    printStats,
    sdcard,
    manualProbe: new ManualProbe(host, toolhead, gcodeMove),
    sensors: new Map(),
    filamentSensors: new Map(),
  }
}

/** A sensor for a section, with a temperature that fits its type. */
export function roomSensor(host: Host, core: CoreParts, section: Section): RoomSensor {
  const sensor = new RoomSensor(host, section.name, sensorBase(readSensor(section)))
  core.sensors.set(section.name, sensor)
  return sensor
}

function buildSdcard(
  host: Host,
  stats: PrintStats,
  gcodesPath: string | undefined,
): VirtualSdcard | undefined {
  const { config } = host
  if (!config.has('virtual_sdcard')) return undefined
  const section = config.section('virtual_sdcard')
  const written = section.text('path', gcodesPath)
  const expanded = resolve(written.replace(/^~(?=\/|$)/, homedir()))
  const there = statSync(expanded, { throwIfNoEntry: false })?.isDirectory() === true
  const folder = there ? expanded : resolve(gcodesPath ?? expanded)
  section.note('path', folder)
  const onError = section.text(
    'on_error_gcode',
    '\n{% if "heaters" in printer %}\n   TURN_OFF_HEATERS\n{% endif %}\n',
  )
  const template = scriptTemplate(host, 'virtual_sdcard:on_error_gcode', onError)
  return new VirtualSdcard(host, stats, folder, () => template.render())
}
