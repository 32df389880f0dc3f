// The metrics of one printer, for the shared listener of a workshop.
import type { IncomingMessage } from 'node:http'
import { service } from '../../component/service.ts'
import type { Exposition } from './exposition.ts'

/** The metrics of one printer. */
export interface PrinterMetrics {
  /** Whether everyone may read them, or the request contains their token. */
  mayRead(req: IncomingMessage): boolean
  /** Writes the metrics of the printer and of its server. */
  write(out: Exposition): Promise<void>
}

/** @see PrinterMetrics */
export const metricsService = service<PrinterMetrics>('metrics')
