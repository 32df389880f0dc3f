// GET /metrics at the top of the shared listener: the metrics of all printers of the process, in one document.
import type { Host } from '../component/host.ts'
import {
  Exposition,
  type Family,
  type Format,
  formatFor,
  labelText,
} from '../components/metrics/exposition.ts'
import { type ProcessMetrics, processMetrics } from '../components/metrics/process-metrics.ts'
import { sendMetrics } from '../components/metrics/send.ts'
import { withTimeout } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import { Scope } from '../core/scope.ts'
import type { RawRequest } from '../rpc/registry.ts'
import { demandRole } from '../rpc/user.ts'
import type { Slot } from './slot.ts'
import type { UsersOfAll } from './without-main.ts'

/** Seconds that one printer has for its metrics; without them the reply has those of the others. */
const TIMEOUT = 5
/** Seconds after a request, until which the event loop is measured. */
const HOLD = 300

const UP: Family = {
  name: 'moonraker_workshop_printer_up',
  type: 'gauge',
  help: '1 while the server of the printer runs',
}

/** What the metrics are read from. */
export interface WorkshopMetricsParts {
  readonly host: Host
  readonly slots: () => Iterable<Slot>
  readonly main: () => Slot | undefined
  readonly users: UsersOfAll
}

export class WorkshopMetrics {
  readonly #parts: WorkshopMetricsParts
  readonly #scope = new Scope()
  #process: ProcessMetrics | null = null

  constructor(parts: WorkshopMetricsParts) {
    this.#parts = parts
  }

  /** Answers a request. Rejects with ApiError 401 if its client may read the metrics of no printer. */
  async answer(request: RawRequest): Promise<void> {
    const slots = this.#readable(request)
    if (slots.length === 0) demandRole(request.caller, 'viewer')
    const format = formatFor(request.req.headers.accept)
    this.#process ??= this.#parts.host.use(processMetrics, this.#scope)
    const common = new Exposition(format)
    this.#process.write(common, HOLD)
    common.add(
      UP,
      slots.map(({ name, policy }) => ({
        value: Number(policy !== null),
        labels: labelText({ printer: name }),
      })),
    )
    const parts = await Promise.all(slots.map(slot => this.#partOf(slot, format)))
    const text = Exposition.join(format, [common, ...parts.filter(part => part !== null)])
    sendMetrics(request, format, text)
  }

  /** The printers of this process whose metrics the client may read: all with the rights of the main one, else its own. */
  #readable({ req, caller: { user } }: RawRequest): Slot[] {
    const { slots, main, users } = this.#parts
    const own = users.printersOf(user)
    const readsAll = (user !== null && own === undefined) || main()?.metrics?.mayRead(req) === true
    return [...slots()].filter(
      ({ name, entry, metrics }) =>
        entry.path !== null && (readsAll || own?.has(name) === true || metrics?.mayRead(req) === true),
    )
  }

  /** The metrics of one printer; null without [metrics], or if they cannot be read. */
  async #partOf({ name, metrics }: Slot, format: Format): Promise<Exposition | null> {
    if (metrics === null) return null
    const { clock, log } = this.#parts.host
    const part = new Exposition(format, { printer: name })
    try {
      await withTimeout(clock, TIMEOUT, metrics.write(part), () => new Error(`not within ${TIMEOUT} s`))
      return part
    } catch (error) {
      log.warning(`no metrics of printer ${name}: ${messageOf(error)}`)
      return null
    }
  }

  stop(): void {
    this.#scope.close()
  }
}
