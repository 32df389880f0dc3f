// The place of one printer in a workshop.
import type { WorkshopPrinter } from '../api/workshop.ts'
import type { PrinterMetrics } from '../components/metrics/service.ts'
import type { AccessPolicy } from '../rpc/access-policy.ts'
import type { Infer } from '../schema/index.ts'

/** An entry of the list of printers. */
export type PrinterEntry = Infer<typeof WorkshopPrinter>

/** A printer of the workshop, whether it works or not. */
export interface Slot {
  readonly name: string
  /** What the list shows. */
  readonly entry: PrinterEntry
  /** The users of its server; null while it does not run in this process. */
  readonly policy: AccessPolicy | null
  /** Its metrics; null while it does not run in this process, or without [metrics]. */
  readonly metrics: PrinterMetrics | null
  /** Follows the printer's state while clients follow the list. */
  watch(isWatched: boolean): void
  /** The URL of a picture of its first camera, as this machine reaches it, or null without one. */
  pictureUrl(): Promise<string | null>
  start(): void
  stop(): Promise<void>
}

/** An entry of a printer about which nothing is known yet. */
export const UNKNOWN_STATE = {
  instance_id: null,
  path: null,
  url: null,
  klippy_state: 'disconnected',
  print: null,
  camera: false,
  error: null,
} as const
