// Whether this printer takes a job of the fleet now. People at the printer go first.
import type { Core } from '../../../component/component.ts'
import type { BlockReason, Readiness } from '../../../fleet/contract/index.ts'
import { isPrintActive } from '../../../klippy/printer.ts'
import type { PrintQueue } from '../../job-queue/service.ts'
import type { Facts } from '../facts.ts'
import type { Epoch } from './epoch.ts'

/** What the gates depend on. */
export interface GateParts {
  readonly core: Core
  readonly facts: Facts
  readonly epoch: Epoch
  readonly queue: PrintQueue
  /** The option of [fleet]. */
  readonly dispatch: boolean
}

export class Gates {
  readonly #parts: GateParts

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** What is known without a query. */
  get readiness(): Readiness {
    const { queue, epoch } = this.#parts
    return { plate: queue.plateClear ? 'clear' : 'occupied', epoch: epoch.accepted, blocked: this.#blocked }
  }

  get #blocked(): BlockReason | null {
    const { core, facts, epoch, queue, dispatch } = this.#parts
    if (!dispatch) return 'dispatch_off'
    if (facts.maintenance) return 'maintenance'
    if (epoch.isOther) return 'epoch'
    if (core.printer.session.state !== 'ready') return 'klippy'
    if (isPrintActive(core.printer.lastStatus.print_stats?.state)) return 'local_print'
    if (queue.hasJobs) return 'local_queue'
    return queue.plateClear ? null : 'plate'
  }

  /** Why an offer must be refused; null if it can be accepted. Queries Klippy. Rejects with ApiError. */
  async refusal(fence: number, epoch: string | null): Promise<BlockReason | null> {
    const { facts } = this.#parts
    if (epoch === null || epoch !== this.#parts.epoch.accepted) return 'epoch'
    if (fence <= facts.lastFence(epoch)) return 'fence'
    return this.obstacle()
  }

  /** Why nothing can be started now; null if it can. Rejects as `refusal` does. */
  async obstacle(): Promise<BlockReason | null> {
    const blocked = this.#blocked
    if (blocked !== null) return blocked
    return (await this.#parts.core.printer.isBusy()) ? 'local_print' : null
  }
}
