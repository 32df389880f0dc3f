// Which provider serves: the one of the configuration, or what is left of it on this machine.
import { existsSync } from 'node:fs'
import { messageOf } from '../../../core/errors.ts'
import { noProvider } from './no-provider.ts'
import type { Provider, ProviderName, ProviderParts } from './provider.ts'
import { openSupervisordCli } from './supervisord-cli.ts'
import { openSystemdCli } from './systemd-cli.ts'
import { openSystemdDbus } from './systemd-dbus.ts'

const SYSTEMD_RUNS = '/run/systemd/system'

const OPEN: Readonly<Record<Exclude<ProviderName, 'none'>, (parts: ProviderParts) => Promise<Provider>>> = {
  systemd_dbus: openSystemdDbus,
  systemd_cli: openSystemdCli,
  supervisord_cli: openSupervisordCli,
}

/** What stands in for a provider that does not work. */
const NEXT: Readonly<Partial<Record<ProviderName, ProviderName>>> = { systemd_dbus: 'systemd_cli' }

/**
 * Opens the provider `wanted`: systemd_cli where D-Bus does not answer, and none where nothing does. A warning says so,
 * but not where the default finds that systemd does not run at all, as in most containers.
 */
export async function openProvider(wanted: ProviderName, parts: ProviderParts): Promise<Provider> {
  if (wanted === 'none') return noProvider('the configuration says [machine] provider: none')
  const problems: string[] = []
  for (
    let name: ProviderName | undefined = wanted;
    name !== undefined && name !== 'none';
    name = NEXT[name]
  ) {
    try {
      const provider = await OPEN[name](parts)
      if (name !== wanted)
        parts.core.warnings.add(`[machine] ${problems.join('; ')}: ${name} is used instead`)
      return provider
    } catch (error) {
      problems.push(`provider ${name} does not work (${messageOf(error)})`)
    }
  }
  const why = problems.join('; ')
  const text = `services and power of this machine cannot be managed: ${why}`
  if (wanted === 'systemd_dbus' && !existsSync(SYSTEMD_RUNS)) parts.core.log.info(text)
  else parts.core.warnings.add(`[machine] ${text}`)
  return noProvider(why)
}
