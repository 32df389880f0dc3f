// The connection to the fleet, for other components.
import { service } from '../../component/service.ts'

/** The printer as a part of a fleet. */
export interface FleetConnection {
  readonly connected: boolean
  /** Events that the engine has not acknowledged. */
  readonly eventsWaiting: number
}

export const fleetService = service<FleetConnection>('fleet')
