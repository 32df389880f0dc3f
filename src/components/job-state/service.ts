// The state of the print, for components whose replies depend on it.
import { service } from '../../component/service.ts'

/** Follows the print, for other components. */
export interface JobWatch {
  /**
   * Resolves when the events are emitted of all that has happened before Klippy's last reply: Klippy reports the effect
   * of a command up to 0.25 s after its reply. Never rejects; gives up after a second.
   */
  current(): Promise<void>
}

/** The state of the print. */
export const jobWatchService = service<JobWatch>('job_watch')
