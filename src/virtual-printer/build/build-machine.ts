// Builds a machine from its printer.cfg, in the order in which Klipper creates its objects.

import { ConfigError } from '../errors.ts'
import { queryEndstops, systemStats } from '../extras/machine-info.ts'
import type { Host } from '../host.ts'
import { motionReport } from '../motion/motion-report.ts'
import type { StatusSource } from '../objects.ts'
import { buildCore, type CoreParts } from './core-parts.ts'
import { isKnownSection } from './known-sections.ts'
import { type Build, LOADERS } from './loaders.ts'

/** Sections that exist even when printer.cfg does not contain them. */
const ALWAYS = ['gcode_move', 'idle_timeout']

/** Creates all objects of the configuration. Throws ConfigError; the objects created before it stay. */
export function buildMachine(host: Host, gcodesPath: string | undefined): CoreParts {
  const { config, objects } = host
  // The boards come first: every pin belongs to one.
  const loaded = new Set<string>()
  const core = buildCore(host, gcodesPath)
  const build: Build = {
    host,
    core,
    need: name => load(build, loaded, name),
    pauseResume: undefined,
    probe: undefined,
  }
  for (const name of ['mcu', ...config.names.filter(each => each.startsWith('mcu '))]) build.need(name)
  for (const name of config.names) build.need(name)
  for (const name of ALWAYS) build.need(name)
  addMotion(host, core)
  for (const name of config.names) {
    if (!isKnownSection(name)) throw new ConfigError(`Section '${name}' is not a valid config section`)
  }
  objects.add('heaters', core.heaters)
  config.noteUnread()
  return core
}

function load(build: Build, loaded: Set<string>, name: string): StatusSource | undefined {
  if (loaded.has(name)) return undefined
  loaded.add(name)
  const { host, core } = build
  if (name === 'heaters') host.objects.add(name, core.heaters)
  if (name === 'gcode_move') host.objects.add(name, core.gcodeMove)
  const loader = LOADERS[name.split(/\s/, 1)[0]!]
  const source = loader?.(build, host.config.section(name))
  if (source !== undefined) host.objects.add(name, source)
  return source
}

function addMotion(host: Host, core: CoreParts): void {
  const { objects } = host
  const { toolhead, extruders, stepperNames } = core
  objects.add('stepper_enable', core.steppers)
  objects.add('query_endstops', queryEndstops(host, toolhead))
  const queues = [...extruders.keys(), 'toolhead']
  objects.add('motion_report', motionReport(host, toolhead, [...stepperNames], queues))
  objects.add('toolhead', toolhead)
  for (const [name, extruder] of extruders) objects.add(name, extruder)
  objects.add('system_stats', systemStats(host))
  objects.add('manual_probe', core.manualProbe)
}
