// Runs Klipper's batch mode: the planner and the step generation of a real Klipper, without a micro-controller.
import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The sections of printer.cfg with their options, without the hardware. */
export type MachineSettings = Readonly<Record<string, Readonly<Record<string, string | number>>>>

/** Seconds for one run. */
const TIME_LIMIT = 600

const THERMISTOR = { sensor_type: 'EPCOS 100K B57560G104F', control: 'watermark', min_temp: -200 }

/**
 * Starts Klipper with its arguments. Batch mode stops the head wherever 4 KiB of the file contain less than a quarter of a
 * second of motion: it has nothing to do then, and flushes its queues. Without that, the time is that of the planner.
 */
const RUN = `
import importlib, sys
sys.path.insert(0, sys.argv.pop(1))
queuing = importlib.import_module('extras.motion_queuing').PrinterMotionQueuing
def generate_steps(self, eventtime):
    while self.last_step_gen_time < self.need_flush_time - 1.5:
        self._advance_flush_time(0., self.last_step_gen_time + 0.25)
    self.do_kick_flush_timer = True
    return self.reactor.NEVER
queuing._flush_handler_debug = generate_steps
importlib.import_module('klippy').main()
`

/** The code with which Klipper ends after commands that it has rejected. */
const HAS_ERRORS = 255

/** Where Klipper is. */
export interface KlipperPlace {
  /** A checkout, in which out/klipper.dict was made for a Linux process. */
  readonly folder: string
  /** A Python that has Klipper's requirements. */
  readonly python: string
}

/**
 * The print time of G-code in seconds, as Klipper prints it. Homing becomes SET_KINEMATIC_POSITION: batch mode would
 * travel the whole range of each axis. Rejects with Klipper's messages if Klipper does not finish the file.
 */
export async function klipperTime(
  { folder, python }: KlipperPlace,
  settings: MachineSettings,
  gcode: string,
): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'klipper-batch-'))
  const file = (name: string) => join(work, name)
  try {
    writeFileSync(file('printer.cfg'), printerCfg(settings))
    writeFileSync(file('in.gcode'), `SET_KINEMATIC_POSITION X=0 Y=0 Z=0\n${withoutHoming(gcode, settings)}\n`)
    const args = ['-c', RUN, join(folder, 'klippy'), file('printer.cfg')].concat(
      ['-i', file('in.gcode')],
      ['-o', '/dev/null'],
      ['-d', join(folder, 'out', 'klipper.dict')],
      ['-l', file('klippy.log')],
    )
    const run = promisify(execFile)(python, args, { timeout: TIME_LIMIT * 1000 })
    const code = await run.then(
      () => 0,
      (error: ExecFileException) => error.code,
    )
    return timeOf(readFileSync(file('klippy.log'), 'utf8'), code === HAS_ERRORS)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function timeOf(log: string, hasErrors: boolean): number {
  const found = /Exiting \(print time ([\d.]+)s\)/.exec(log)
  if (found !== null && !hasErrors) return Number(found[1])
  throw new Error(`Klipper rejects the file: ${log.trim().split('\n').slice(-2).join('; ')}`)
}

function withoutHoming(gcode: string, settings: MachineSettings): string {
  // A delta homes to the top of its towers.
  const rails = { X: settings.stepper_x, Y: settings.stepper_y, Z: settings.stepper_z ?? settings.stepper_a }
  return gcode.replace(/^[ \t]*G28\b(.*)$/gim, (_line, words: string) => {
    const all = ['X', 'Y', 'Z'] as const
    const named = all.filter(axis => words.split(';', 1)[0]!.toUpperCase().includes(axis))
    const axes = named.length === 0 ? all : named
    return `SET_KINEMATIC_POSITION ${axes.map(axis => `${axis}=${rails[axis]?.position_endstop ?? 0}`).join(' ')}`
  })
}

/** printer.cfg: the settings, with pins that lead nowhere. */
function printerCfg(settings: MachineSettings): string {
  let pins = 0
  const pin = () => `gpio${pins++}`
  let sensors = 0
  const heater = () => ({ heater_pin: pin(), sensor_pin: `analog${sensors++}`, ...THERMISTOR })
  const stepper = () => ({ step_pin: pin(), dir_pin: pin(), microsteps: 16, rotation_distance: 40 })
  const hardwareOf = (section: string): Readonly<Record<string, string | number>> => {
    const isAxis = /^stepper_[xyz]$/.test(section)
    if (section.startsWith('stepper_'))
      return { ...stepper(), endstop_pin: pin(), ...(isAxis && { homing_positive_dir: 'False' }) }
    if (/^extruder\d*$/.test(section)) return { ...stepper(), ...heater(), min_extrude_temp: -200 }
    return section === 'heater_bed' ? heater() : {}
  }
  const sections: MachineSettings = {
    mcu: { serial: 'none' },
    force_move: { enable_force_move: 'True' },
    ...settings,
  }
  return Object.entries(sections)
    .map(([name, options]) => {
      const lines = Object.entries({ ...hardwareOf(name), ...options })
      return `[${name}]\n${lines.map(([option, value]) => `${option}: ${value}`).join('\n')}\n`
    })
    .join('\n')
}
