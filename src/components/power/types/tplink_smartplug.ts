// [power NAME] of type tplink_smartplug: plugs and strips of TP-Link Kasa with the local protocol.
import type { Deadline } from '../deadline.ts'
import type { DriverContext, PowerDriver, Wanted } from '../driver.ts'
import { valueAt } from './device-http.ts'
import { sendCommand } from './tplink-protocol.ts'

const SYSINFO = { system: { get_sysinfo: {} } }

export const failure = (name: string) => `Error Toggling Device Power: ${name}`

export function open({ core, name, section, options }: DriverContext<'tplink_smartplug'>): PowerDriver {
  const { port, timer } = options
  const [host = '', output] = options.address.split('/', 2)
  if (output === undefined) return new KasaPlug({ host, port, output: options.output_id, timer })
  if (!/^\d+$/.test(output)) {
    throw section.error(
      `the option "address" of section [${section.section}] must be a host name or an IP address`,
      'address',
    )
  }
  core.warnings.add(
    `Power Device ${name}: Including the output id in the address is deprecated, use the 'output_id' option`,
  )
  return new KasaPlug({ host, port, output: Number(output), timer })
}

interface Settings {
  readonly host: string
  readonly port: number
  /** The number of the socket of a strip; 0 for a plug. */
  readonly output: number
  /** Seconds until an off takes effect. */
  readonly timer: number | undefined
}

class KasaPlug implements PowerDriver {
  readonly #settings: Settings
  #isStrip: boolean

  constructor(settings: Settings) {
    this.#settings = settings
    this.#isStrip = settings.output > 0
  }

  async read(deadline: Deadline): Promise<string> {
    const info = await this.#send(SYSINFO, ['system', 'get_sysinfo'], deadline)
    const { output } = this.#settings
    this.#isStrip = valueAt(info, 'children') !== undefined
    const state = this.#isStrip ? valueAt(info, 'children', output, 'state') : valueAt(info, 'relay_state')
    if (state === 0 || state === 1) return state === 1 ? 'on' : 'off'
    throw new Error(`the reply of the plug does not contain the state of output ${output}`)
  }

  async write(to: Wanted, deadline: Deadline): Promise<string> {
    const { timer } = this.#settings
    const context = this.#isStrip ? { context: { child_ids: [await this.#socketId(deadline)] } } : {}
    if (to === 'on' || timer === undefined) {
      const command = { system: { set_relay_state: { state: to === 'on' ? 1 : 0 } }, ...context }
      await this.#send(command, ['system', 'set_relay_state'], deadline)
      return to
    }
    const erase = { count_down: { delete_all_rules: null }, ...context }
    await this.#send(erase, ['count_down', 'delete_all_rules'], deadline)
    const rule = { enable: 1, delay: timer, act: 0, name: 'turn off' }
    await this.#send({ count_down: { add_rule: rule }, ...context }, ['count_down', 'add_rule'], deadline)
    return 'off'
  }

  /** A strip identifies its sockets by ids of its own. */
  async #socketId(deadline: Deadline): Promise<unknown> {
    const info = await this.#send(SYSINFO, ['system', 'get_sysinfo'], deadline)
    const { output } = this.#settings
    const id = valueAt(info, 'children', output, 'id')
    if (id === undefined) throw new Error(`the plug has no output ${output}`)
    return id
  }

  /** Sends a command; resolves with the part of the reply at `path`. Rejects if it contains an error. */
  async #send(command: unknown, path: readonly string[], deadline: Deadline): Promise<unknown> {
    const part = valueAt(await sendCommand(this.#settings, command, deadline), ...path)
    const code = valueAt(part, 'err_code')
    if (code === 0) return part
    throw new Error(`the plug replies to ${path.at(-1)} with error ${JSON.stringify(code) ?? 'unknown'}`)
  }
}
