// Opens the configured provider, or the next one that works on this machine.
import { existsSync } from 'node:fs'
import { messageOf } from '../../../core/errors.ts'
import type { Registration } from '../../../core/scope.ts'
import { noProvider } from './no-provider.ts'
import { polledProvider } from './polled-provider.ts'
import { SYSTEMD_RUNS } from './power-command.ts'
import type { Provider, ProviderName, ProviderParts, ServiceStates } from './provider.ts'
import { SupervisordCli } from './supervisord-cli.ts'
import { SystemdCli } from './systemd-cli.ts'
import { SystemdDbus } from './systemd-dbus.ts'

type Make = (parts: ProviderParts) => Provider

const systemdDbus: Make = parts => new SystemdDbus(parts)
const systemdCli: Make = parts => polledProvider(new SystemdCli(parts), parts)
const supervisordCli: Make = parts => polledProvider(new SupervisordCli(parts), parts)

const CANDIDATES: Readonly<Record<Exclude<ProviderName, 'none'>, readonly Make[]>> = {
  // Where D-Bus does not answer, the command may.
  systemd_dbus: [systemdDbus, systemdCli],
  systemd_cli: [systemdCli],
  supervisord_cli: [supervisordCli],
}

/** A provider that works, and what it found. */
export interface OpenProvider {
  readonly provider: Provider
  readonly states: ServiceStates
  /** That it is not the configured one. */
  readonly warning?: Registration
}

/**
 * Opens the provider `wanted`: systemd_cli if D-Bus does not answer, and none if nothing works. This is a warning, unless
 * it is the default and systemd does not run at all, as in most containers.
 */
export async function openProvider(wanted: ProviderName, parts: ProviderParts): Promise<OpenProvider> {
  if (wanted === 'none') return nothing('the configuration has [machine] provider: none')
  const { warnings, log } = parts.core
  const problems: string[] = []
  for (const make of CANDIDATES[wanted]) {
    const provider = make(parts)
    try {
      const states = await provider.open()
      if (problems.length === 0) return { provider, states }
      const text = `[machine] ${problems.join('; ')}: ${provider.name} is used instead`
      return { provider, states, warning: warnings.add(text) }
    } catch (error) {
      provider.stop()
      if (parts.signal.aborted) return nothing('the server stops')
      problems.push(`provider ${provider.name} does not work (${messageOf(error)})`)
    }
  }
  const found = problems.join('; ')
  const mustWork = wanted !== 'systemd_dbus' || existsSync(SYSTEMD_RUNS)
  const why = mustWork ? found : 'systemd does not run here, as in most containers'
  const text = `services and power of this machine cannot be managed: ${why}`
  if (mustWork) return { ...nothing(why), warning: warnings.add(`[machine] ${text}`) }
  log.info(`${text} (${found})`)
  return nothing(why)
}

/** Opens the provider `wanted` and no other. Rejects with Error if it does not work. */
export async function openWanted(
  wanted: Exclude<ProviderName, 'none'>,
  parts: ProviderParts,
): Promise<OpenProvider> {
  const [make] = CANDIDATES[wanted] as [Make]
  const provider = make(parts)
  try {
    return { provider, states: await provider.open() }
  } catch (error) {
    provider.stop()
    throw error
  }
}

function nothing(why: string): OpenProvider {
  return { provider: noProvider(why), states: new Map() }
}
