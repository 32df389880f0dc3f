// What each command of the fleet does at the printer.
import type { Core } from '../../../component/component.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Command, CommandName } from '../../../fleet/contract/index.ts'
import type { Caller } from '../../../rpc/caller.ts'
import { bool, float, Invalid, json, readShape, record, string } from '../../../schema/index.ts'
import type { PrintQueue } from '../../job-queue/service.ts'
import type { Facts } from '../facts.ts'
import type { JobRunner } from '../job/job-runner.ts'
import type { LiveStatus } from '../state/live.ts'
import type { StateBuilder } from '../state/state-builder.ts'
import type { StatePublisher } from '../state/state-publisher.ts'

/** Methods of the API, by the commands that do nothing else. */
const METHODS: Partial<Readonly<Record<CommandName, string>>> = {
  pause: 'printer.print.pause',
  resume: 'printer.print.resume',
  emergency_stop: 'printer.emergency_stop',
  firmware_restart: 'printer.firmware_restart',
  host_restart: 'printer.restart',
}

/** What actions work with. */
export interface ActionParts {
  readonly core: Core
  readonly facts: Facts
  readonly runner: JobRunner
  readonly queue: PrintQueue
  readonly live: LiveStatus
  readonly states: StatePublisher
  readonly builder: StateBuilder
  /** Who may confirm that the plate is clear; an option of [fleet]. */
  readonly plateClear: 'local' | 'fleet'
  /** Called when the printer may take jobs, or may not any more. */
  readonly readinessChanged: () => void
}

export class Actions {
  readonly #parts: ActionParts

  constructor(parts: ActionParts) {
    this.#parts = parts
  }

  /** Runs a command that was checked; resolves with its result. Rejects with ApiError. */
  async run({ do: name, args, as }: Command): Promise<unknown> {
    const { core, live, builder, states } = this.#parts
    const caller = callerOf(as)
    const method = METHODS[name as CommandName]
    if (method !== undefined) return core.registry.call(method, {}, caller)
    switch (name as CommandName) {
      case 'cancel':
        return this.#cancel(caller)
      case 'plate_clear':
        return this.#clearPlate()
      case 'maintenance':
        return this.#setMaintenance(read({ on: bool() }, args).on)
      case 'watch':
        await live.watch(read({ seconds: float({ above: 0 }).default(60) }, args).seconds)
        return 'ok'
      case 'announce':
        states.announce()
        return builder.build()
      default: {
        const { method: called, params } = read(
          { method: string(), params: record(json()).default({}) },
          args,
        )
        return core.registry.call(called, params, caller)
      }
    }
  }

  async #cancel(caller: Caller): Promise<unknown> {
    const { facts, runner, core } = this.#parts
    if (facts.held?.phase !== 'accepted') return core.registry.call('printer.print.cancel', {}, caller)
    await runner.cancelJob(facts.held)
    return 'ok'
  }

  async #clearPlate(): Promise<'ok'> {
    const { queue, plateClear } = this.#parts
    if (plateClear !== 'fleet') {
      throw new ApiError(403, 'This printer has plate_clear: local; confirm it at the printer')
    }
    await queue.confirmPlate()
    return 'ok'
  }

  async #setMaintenance(maintenance: boolean): Promise<'ok'> {
    await this.#parts.facts.write({ maintenance })
    this.#parts.readinessChanged()
    return 'ok'
  }
}

/** The user of the hub, with its role, which the printer may have limited. */
function callerOf({ user, role }: Command['as']): Caller {
  return {
    transport: 'internal',
    address: null,
    user: { username: user, source: 'fleet', created_on: null, role },
    connection: null,
  }
}

function read<S extends Parameters<typeof readShape>[0]>(shape: S, args: Readonly<Record<string, unknown>>) {
  try {
    return readShape(shape, args)
  } catch (error) {
    if (error instanceof Invalid) throw new ApiError(400, error.message)
    throw error
  }
}
