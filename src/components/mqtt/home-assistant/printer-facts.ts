// What the entities show besides Klipper's status: the queue, the totals, the power devices. And what the printer has.
import type { Core } from '../../../component/component.ts'
import { readNames } from '../../../klippy/klippy-info.ts'
import { INTERNAL_CALLER } from '../../../rpc/caller.ts'
import { isPlainObject } from '../../../schema/index.ts'
import type { PowerDevices } from '../../power/service.ts'
import type { PrinterView } from './entity.ts'
import type { Settings } from './object-entities.ts'

type Loose = Readonly<Record<string, unknown>>

/** What the components of the server know; each part is empty while its component does not run. */
export type ServerFacts = Pick<PrinterView, 'queueLength' | 'totals' | 'power'>

/** Calls a method of another component; an empty object if it is not served or fails. */
async function resultOf({ registry }: Pick<Core, 'registry'>, method: string): Promise<Loose> {
  if (!registry.has(method)) return {}
  try {
    const result = await registry.call(method, {}, INTERNAL_CALLER)
    return isPlainObject(result) ? result : {}
  } catch {
    return {}
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** The present facts. */
export async function serverFacts(
  core: Pick<Core, 'registry'>,
  power: PowerDevices | null,
): Promise<ServerFacts> {
  const [queue, history] = await Promise.all([
    resultOf(core, 'server.job_queue.status'),
    resultOf(core, 'server.history.totals'),
  ])
  const totals = isPlainObject(history.job_totals) ? history.job_totals : {}
  // Home Assistant cannot know when a locked device may be switched.
  const devices = (power?.list() ?? []).filter(device => !device.locked_while_printing)
  return {
    queueLength: Array.isArray(queue.queued_jobs) ? queue.queued_jobs.length : 0,
    totals: {
      jobs: numberOf(totals.total_jobs),
      printTime: numberOf(totals.total_print_time),
      filament: numberOf(totals.total_filament_used),
    },
    power: Object.fromEntries(devices.map(({ device, status }) => [device, status])),
  }
}

/** What Klipper has: its status objects, and its configuration. */
export interface PrinterParts {
  readonly objects: readonly string[]
  readonly settings: Settings
}

/** Reads both from Klipper. Rejects as the printer's calls do. */
export async function printerParts({ printer }: Pick<Core, 'printer'>): Promise<PrinterParts> {
  const objects = readNames(await printer.call('objects/list'), 'objects')
  const { status } = await printer.query({ configfile: ['settings'] })
  const settings = status.configfile?.settings
  return { objects, settings: isPlainObject(settings) ? (settings as Settings) : {} }
}
