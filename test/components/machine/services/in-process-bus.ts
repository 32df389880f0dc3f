// A D-Bus in this process, with a systemd on it that may answer anything.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import dbus, { type DBusBroker, type MessageBus } from 'dbus-native'

const SYSTEMD = 'org.freedesktop.systemd1'
const MANAGER = '/org/freedesktop/systemd1'

/** A method's answer, or the promise of one, and its D-Bus signature. */
export type Answer = readonly [answer: (...args: unknown[]) => unknown, signature: string]

export const LISTED = 'a(ssssssouso)'

/** A unit as systemd lists it. */
export function listed(unit: string, active = 'active', sub = 'running'): unknown[] {
  return [unit, '', 'loaded', active, sub, '', unitPath(unit), 0, '', '/']
}

export function unitPath(unit: string): string {
  return `${MANAGER}/unit/${unit.replace(/\W/g, '_')}`
}

/** `await using` ends it; while it lasts it is this process's system bus. */
export class InProcessBus implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bus-'))
  readonly #broker: DBusBroker = dbus.createBroker()
  #systemd: MessageBus | null = null

  static async start(methods: Readonly<Record<string, Answer>> = {}): Promise<InProcessBus> {
    const made = new InProcessBus()
    const socket = join(made.#folder, 'bus')
    await new Promise<void>(resolve => made.#broker.listen({ socket }, () => resolve()))
    const address = `unix:path=${socket}`
    process.env.DBUS_SYSTEM_BUS_ADDRESS = address
    made.#systemd = dbus.createClient({ busAddress: address })
    await made.#systemd.requestName(SYSTEMD, 0)
    made.answers({
      Subscribe: [() => null, ''],
      ListUnitsByPatterns: [() => [listed('klipper.service')], LISTED],
      GetUnitByPID: [() => Promise.reject(new Error('no unit')), 'o'],
      ...methods,
    })
    return made
  }

  /** How many programs are connected, systemd included. */
  get connections(): number {
    return this.#broker.names().filter(name => name.startsWith(':')).length
  }

  /** What the manager answers from now on, by method. */
  answers(methods: Readonly<Record<string, Answer>>): void {
    for (const [member, answer] of Object.entries(methods)) {
      this.#systemd?.setMethodCallHandler(MANAGER, `${SYSTEMD}.Manager`, member, [...answer])
    }
  }

  /** Sends the signal that the properties of a unit have changed. */
  changed(unit: string, signature: string, body: unknown[]): void {
    const properties = 'org.freedesktop.DBus.Properties'
    this.#systemd?.sendSignal(unitPath(unit), properties, 'PropertiesChanged', signature, body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#systemd?.close()
    await new Promise<void>(resolve => this.#broker.close(() => resolve()))
    delete process.env.DBUS_SYSTEM_BUS_ADDRESS
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The parameters of PropertiesChanged for a unit whose state is another. */
export function newState(active: unknown, type = 's'): unknown[] {
  return [`${SYSTEMD}.Unit`, [['ActiveState', [type, active]]], []]
}
