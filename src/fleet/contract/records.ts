// Further records that hubs keep: enrolled printers, users, and the lease of the scheduler.
import { ROLES } from '../../api/endpoint.ts'
import { bool, choice, type Infer, int, object, record, string } from '../../schema/index.ts'

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

/** A user of the hubs, in `fleet_users`. */
export const userSchema = object({
  hash: string().describe('scrypt'),
  role: choice(...ROLES),
  epoch: int().describe('Increases with each change of the password: older sessions end').default(0),
})

export type FleetUser = Infer<typeof userSchema>

/** The lease of the scheduler, in `fleet_lease`. */
export const leaseSchema = object({ hub: string(), since: int().describe('UTC').unit('ms') })
