// Maps the sections of printer.cfg to the modules that create their objects.

import type { Section } from '../config/section.ts'
import { BedMesh } from '../extras/bed-mesh.ts'
import { motorDriver } from '../extras/drivers.ts'
import { FilamentSensor } from '../extras/filament-sensor.ts'
import { type LevelingParts, screwsTiltAdjust, tiltAdjust } from '../extras/leveling.ts'
import { mcuObject } from '../extras/machine-info.ts'
import { led, outputPin } from '../extras/pins.ts'
import { Probe } from '../extras/probe.ts'
import { firmwareRetraction } from '../extras/retraction.ts'
import { bedScrews } from '../extras/screws.ts'
import { extruderStepper, gcodeButton, servo } from '../extras/small-objects.ts'
import { inputShaper, skewCorrection } from '../extras/tuning.ts'
import { saveVariables } from '../extras/variables.ts'
import { respondCommands } from '../gcode/base-commands.ts'
import { controllerFan, genericFan, heaterFan, partFan, temperatureFan } from '../heat/fans.ts'
import { temperatureSensor } from '../heat/sensors.ts'
import type { Host } from '../host.ts'
import { delayedGcode, gcodeMacro } from '../macros/gcode-macro.ts'
import { scriptTemplate } from '../macros/script-template.ts'
import { arcCommands } from '../motion/arcs.ts'
import type { StatusSource } from '../objects.ts'
import { displayStatus } from '../print/display-status.ts'
import { ExcludeObject } from '../print/exclude-object.ts'
import { IdleTimeout } from '../print/idle-timeout.ts'
import { PauseResume } from '../print/pause-resume.ts'
import { type CoreParts, roomSensor } from './core-parts.ts'

/** The parts that a loader can use. */
export interface Build {
  readonly host: Host
  readonly core: CoreParts
  /** Loads a section that another one needs before it. */
  readonly need: (name: string) => StatusSource | undefined
  pauseResume: PauseResume | undefined
  probe: Probe | undefined
}

/** Creates what a section describes; an object is registered under the section's name. */
export type Loader = (build: Build, section: Section) => StatusSource | undefined

/** Loaders by the first word of a section's name. */
export const LOADERS: Readonly<Record<string, Loader>> = {
  mcu: ({ host }, section) => mcuObject(host, section.name),
  gcode_macro: ({ host }, section) => gcodeMacro(host, section),
  delayed_gcode({ host }, section) {
    delayedGcode(host, section)
    return undefined
  },
  heater_bed: heaterObject,
  heater_generic: heaterObject,
  fan: ({ host }, section) => partFan(host, section),
  fan_generic: ({ host }, section) => genericFan(host, section),
  heater_fan: ({ host, core }, section) => heaterFan(host, section, core.heaters),
  controller_fan({ host, core, need }, section) {
    need('stepper_enable')
    return controllerFan(host, section, core.heaters, () => core.steppers.anyOn)
  },
  temperature_fan: ({ host, core }, section) =>
    temperatureFan(host, section, roomSensor(host, core, section), core.heaters),
  temperature_sensor({ host, core }, section) {
    const sensor = roomSensor(host, core, section)
    core.heaters.addSource(section.name, sensor, section.optionalText('gcode_id'))
    if (section.text('sensor_type') === 'temperature_host') {
      const raw = () => ({ temperature: sensor.readTemperature().temperature })
      host.objects.add(`temperature_host ${section.title}`, { status: raw })
    }
    return temperatureSensor(section, sensor)
  },
  stepper_enable: ({ core }) => core.steppers,
  print_stats: ({ core }) => core.printStats,
  virtual_sdcard({ core, need }) {
    need('print_stats')
    return core.sdcard
  },
  pause_resume(build, section) {
    const { host, core } = build
    build.pauseResume = new PauseResume(host, section, core.gcodeMove, core.sdcard)
    return build.pauseResume
  },
  display_status: ({ host, core }) => displayStatus(host, core.sdcard),
  exclude_object({ host, core }) {
    const exclude = new ExcludeObject(host, core.gcodeMove, core.toolhead)
    if (core.sdcard !== undefined) core.sdcard.onReset = () => exclude.reset()
    return exclude
  },
  idle_timeout({ host, core }, section) {
    const render = (template: string) => scriptTemplate(host, 'idle_timeout:gcode', template).render()
    return new IdleTimeout(host, section, core.toolhead, () => core.sdcard?.active === true, render)
  },
  filament_switch_sensor: filamentSensor,
  filament_motion_sensor: filamentSensor,
  output_pin: ({ host }, section) => outputPin(host, section),
  pwm_tool: ({ host }, section) => outputPin(host, section),
  led: ({ host }, section) => led(host, section),
  neopixel: ({ host }, section) => led(host, section),
  dotstar: ({ host }, section) => led(host, section),
  pca9533: ({ host }, section) => led(host, section),
  pca9632: ({ host }, section) => led(host, section),
  probe: probeObject,
  bltouch: probeObject,
  smart_effector: probeObject,
  bed_mesh(build, section) {
    if (section.name !== 'bed_mesh') return undefined
    build.need('gcode_move')
    const { host, core } = build
    return new BedMesh(host, section, core.toolhead, core.gcodeMove, () => build.probe)
  },
  z_tilt: tilt,
  z_tilt_ng: tilt,
  quad_gantry_level: tilt,
  screws_tilt_adjust: (build, section) => screwsTiltAdjust(build.host, section, levelingParts(build)),
  gcode_button: ({ host }, section) => gcodeButton(host, section),
  servo: ({ host }, section) => servo(host, section),
  extruder_stepper: (_, section) => extruderStepper(section),
  tmc2130: driver,
  tmc2208: driver,
  tmc2209: driver,
  tmc2240: driver,
  tmc2660: driver,
  tmc5160: driver,
  bed_screws: ({ host, core }, section) => bedScrews(host, section, core.toolhead, core.gcodeMove),
  firmware_retraction: ({ host, core }, section) => firmwareRetraction(host, section, core.gcodeMove),
  save_variables: ({ host }, section) => saveVariables(host, section),
  gcode_arcs({ host, core }) {
    arcCommands(host, core.gcodeMove)
    return undefined
  },
  input_shaper({ host }, section) {
    inputShaper(host, section)
    return undefined
  },
  skew_correction: ({ host }) => skewCorrection(host),
  respond({ host }) {
    respondCommands(host)
    return undefined
  },
}

function heaterObject({ core, need }: Build, section: Section): StatusSource | undefined {
  need('heaters')
  return core.heatersByObject.get(section.name)
}

function filamentSensor(build: Build, section: Section): StatusSource {
  const { host, core, need } = build
  need('pause_resume')
  const actions = {
    printing: () => core.sdcard?.active === true,
    sendPause: async () => build.pauseResume?.sendPause(),
  }
  const template = (option: string) =>
    scriptTemplate(host, `${section.name}:${option}`, section.text(option, ''))
  const sensor = new FilamentSensor(host, section, actions, template)
  core.filamentSensors.set(section.title, sensor)
  return sensor
}

function probeObject(build: Build, section: Section): StatusSource {
  const { host, core } = build
  build.probe = new Probe(host, section, core.toolhead, core.gcodeMove)
  // Clients look for `probe`, whatever its kind.
  host.objects.add('probe', build.probe)
  core.manualProbe.calibrates(build.probe)
  return build.probe
}

function levelingParts(build: Build): LevelingParts {
  const { toolhead, gcodeMove } = build.core
  return { toolhead, gcodeMove, probe: () => build.probe }
}

function tilt(build: Build, section: Section): StatusSource {
  return tiltAdjust(build.host, section, levelingParts(build))
}

function driver({ host, core }: Build, section: Section): StatusSource {
  return motorDriver(host, section, () => core.steppers.anyOn)
}
