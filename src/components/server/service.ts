// The state of the server as a whole, for the components that show it.
import { service } from '../../component/service.ts'
import type { ServerConfig } from '../../config/index.ts'

/** The state of the server as a whole. */
export interface ServerFacts {
  /** The sections of the components that work. */
  components(): string[]
  /** The sections of the components that failed. */
  failedComponents(): string[]
  /** Whether every component has started or failed. */
  started(): boolean
  config(): ServerConfig
}

/** The state of the server as a whole. */
export const serverFacts = service<ServerFacts>('server_facts')
