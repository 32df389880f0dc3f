// The entities that every printer has: the print, Klipper, the totals.
import { type Entity, field, type PrinterView, rounded, stateText } from './entity.ts'

/** States of Klipper's print_stats. */
const PRINT_STATES = ['standby', 'printing', 'paused', 'complete', 'cancelled', 'error']
const KLIPPY_STATES = ['ready', 'startup', 'shutdown', 'error', 'disconnected']

const DIAGNOSTIC = { entity_category: 'diagnostic' }
const MINUTES = { device_class: 'duration', unit_of_measurement: 'min' }
const MILLIMETRES = { device_class: 'distance', unit_of_measurement: 'mm' }

/**
 * The progress of the print, 0 to 1: as the slicer states it (M73), else by planned times, else the part of the file.
 * Without M73 Klipper repeats the part of the file.
 */
function progress(view: PrinterView): number {
  const files = Number(field(view, 'virtual_sdcard', 'progress') ?? 0)
  const shown = Number(field(view, 'display_status', 'progress') ?? 0)
  if (shown !== 0 && shown !== files) return shown
  return view.timed?.progress ?? files
}

/** Seconds until the print ends: by planned times, the slicer's estimate, the progress; null if none is known. */
function secondsLeft(view: PrinterView): number | null {
  const state = field(view, 'print_stats', 'state')
  if (state !== 'printing' && state !== 'paused') return null
  if (view.timed !== null) return view.timed.secondsLeft
  const printed = Number(field(view, 'print_stats', 'print_duration'))
  if (view.estimate !== null) return Math.max(0, view.estimate - printed)
  const done = progress(view)
  return done < 0.01 ? null : (printed / done) * (1 - done)
}

function minutesLeft(view: PrinterView): number | null {
  const seconds = secondsLeft(view)
  return seconds === null ? null : Math.ceil(seconds / 60)
}

/** To the minute: Home Assistant stores each change. */
function finishTime(view: PrinterView): string | null {
  const seconds = secondsLeft(view)
  if (seconds === null) return null
  return new Date(Math.round((view.now + seconds) / 60) * 60_000).toISOString()
}

function layer(view: PrinterView, name: string): unknown {
  const info = field(view, 'print_stats', 'info') as Readonly<Record<string, unknown>> | null
  return rounded(info?.[name], 0)
}

type Value = NonNullable<Entity['value']>

function sensor(key: string, config: Entity['config'], value: Value): Entity {
  return { key, platform: 'sensor', config, value }
}

const PRINT: readonly Entity[] = [
  sensor('print_state', { name: 'Print', device_class: 'enum', options: PRINT_STATES }, view =>
    field(view, 'print_stats', 'state'),
  ),
  sensor(
    'progress',
    { name: 'Progress', unit_of_measurement: '%', state_class: 'measurement', icon: 'mdi:progress-clock' },
    view => rounded(progress(view) * 100, 0),
  ),
  sensor('file', { name: 'File', icon: 'mdi:file' }, view =>
    stateText(field(view, 'print_stats', 'filename')),
  ),
  sensor('time_left', { name: 'Time left', ...MINUTES }, minutesLeft),
  sensor('finish', { name: 'Finish', device_class: 'timestamp' }, finishTime),
  sensor('layer', { name: 'Layer', icon: 'mdi:layers' }, view => layer(view, 'current_layer')),
  sensor('layers', { name: 'Layers', icon: 'mdi:layers' }, view => layer(view, 'total_layer')),
  sensor('filament_used', { name: 'Filament used', ...MILLIMETRES, state_class: 'measurement' }, view =>
    rounded(field(view, 'print_stats', 'filament_used'), 0),
  ),
  sensor('message', { name: 'Message', icon: 'mdi:message' }, view =>
    stateText(field(view, 'display_status', 'message')),
  ),
  sensor('position_z', { name: 'Z', ...MILLIMETRES, state_class: 'measurement' }, view => {
    const position = field(view, 'toolhead', 'position')
    return Array.isArray(position) ? rounded(position[2], 2) : null
  }),
  { key: 'thumbnail', platform: 'image', config: { name: 'Thumbnail', content_type: 'image/png' } },
]

const SERVER: readonly Entity[] = [
  sensor(
    'klipper_state',
    { name: 'Klipper state', device_class: 'enum', options: KLIPPY_STATES, ...DIAGNOSTIC },
    view => view.klippy,
  ),
  {
    key: 'klippy',
    platform: 'binary_sensor',
    config: { name: 'Klipper', device_class: 'connectivity', ...DIAGNOSTIC },
    value: view => (view.klippy === 'ready' ? 'ON' : 'OFF'),
  },
  sensor(
    'queue',
    { name: 'Job queue', state_class: 'measurement', icon: 'mdi:tray-full' },
    view => view.queueLength,
  ),
  sensor(
    'total_filament',
    { name: 'Filament, all jobs', ...MILLIMETRES, state_class: 'total_increasing', ...DIAGNOSTIC },
    view => rounded(view.totals.filament, 0),
  ),
  sensor(
    'total_jobs',
    { name: 'Jobs', state_class: 'total_increasing', ...DIAGNOSTIC },
    view => view.totals.jobs,
  ),
  sensor(
    'total_print_time',
    { name: 'Print time, all jobs', ...MINUTES, state_class: 'total_increasing', ...DIAGNOSTIC },
    view => rounded(view.totals.printTime / 60, 0),
  ),
  sensor('last_error', { name: 'Last refused command', icon: 'mdi:alert', ...DIAGNOSTIC }, view =>
    stateText(view.lastError),
  ),
]

/** The status objects that these entities need. */
export const PRINT_OBJECTS = {
  print_stats: ['state', 'filename', 'print_duration', 'filament_used', 'info'],
  display_status: ['progress', 'message'],
  virtual_sdcard: ['progress'],
  toolhead: ['position'],
}

export function printEntities(): Entity[] {
  return [...PRINT, ...SERVER.map(entity => ({ ...entity, withoutKlipper: true as const }))]
}
