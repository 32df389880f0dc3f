// Further records that hubs keep: enrolled printers, and the lease of the scheduler.
import { bool, type Infer, int, object, record, string } from '../../schema/index.ts'

/** An enrolled printer, in `fleet_printers`. Its labels are added to those of its state, and win. */
export const printerRecordSchema = object({
  name: string(),
  site: string().default(''),
  labels: record(string()).default({}),
  nkey: string().describe('The public key of its credential'),
  enrolled_at: int().describe('UTC').unit('ms'),
  enrolled_by: string().nullable().default(null),
  maintenance: bool().default(false),
})

export type PrinterRecord = Infer<typeof printerRecordSchema>

/** The lease of the scheduler, in `fleet_lease`. */
export const leaseSchema = object({ hub: string(), since: int().describe('UTC').unit('ms') })
