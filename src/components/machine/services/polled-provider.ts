// A provider whose service manager is a command: it reports no changes by itself, so that its states are polled.
import { PolledStates } from './polled-states.ts'
import { powerByCommand } from './power-command.ts'
import type { Provider, ProviderParts, ServiceStates } from './provider.ts'

/** What a command can do; see Provider. */
export interface CommandManager extends Pick<Provider, 'name' | 'act' | 'restartOwn' | 'unitOf'> {
  /** Seconds from a reply to the next query. */
  readonly period: number
  /** The allowed services that exist, with their present states. */
  query(): Promise<ServiceStates>
}

export function polledProvider(
  manager: CommandManager,
  { core, report, sudo, shutdownAction }: ProviderParts,
): Provider {
  const { clock, log } = core
  const polled = new PolledStates({
    clock,
    log,
    period: manager.period,
    query: () => manager.query(),
    report,
  })
  return {
    name: manager.name,
    async open() {
      const states = await manager.query()
      polled.start()
      return states
    },
    list: () => manager.query(),
    async act(action, service) {
      try {
        await manager.act(action, service)
      } finally {
        await polled.refresh()
      }
    },
    restartOwn: service => manager.restartOwn(service),
    power: action => powerByCommand(sudo, action, shutdownAction),
    unitOf: pid => manager.unitOf(pid),
    stop: () => polled.stop(),
  }
}
