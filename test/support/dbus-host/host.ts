// A D-Bus daemon with a systemd-in for systemd, logind and polkit (host.py), for this process as its system bus.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PYTHON = '/usr/bin/python3'
const NEEDED = {
  'dbus (apt install dbus)': '/usr/bin/dbus-daemon',
  'python3-dbusmock (apt install python3-dbusmock)': '/usr/lib/python3/dist-packages/dbusmock',
}

/** Why there can be none here; undefined where there can. */
export const absent: string | undefined = Object.entries(NEEDED)
  .filter(([, path]) => !existsSync(path))
  .map(([name]) => `${name} is not installed`)[0]

/** A call that the simulated host received. */
export interface HostCall {
  readonly call: string
  readonly [argument: string]: unknown
}

/** An order for host.py: what exists on the host. */
export type HostOrder = Readonly<Record<string, unknown>>

const POLICY = `<busconfig>
  <type>system</type><auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true"/><allow receive_type="method_call"/><allow receive_type="signal"/>
    <allow receive_requested_reply="true"/>
  </policy>
`

export class Host implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bus-'))
  readonly #config = join(this.#folder, 'bus.conf')
  readonly address = `unix:path=${join(this.#folder, 'bus')}`
  /** All calls, oldest first. */
  readonly calls: HostCall[] = []
  readonly #waiters = new Set<() => void>()
  #daemon: ChildProcess | null = null
  #systemd: ChildProcess | null = null
  #obeyed = 0

  private constructor() {
    writeFileSync(this.#config, `${POLICY}<listen>${this.address}</listen></busconfig>`)
  }

  /** Starts daemon and systemd-in, gives it `orders`, and makes it this process's system bus. */
  static async start(...orders: readonly HostOrder[]): Promise<Host> {
    const host = new Host()
    process.env.DBUS_SYSTEM_BUS_ADDRESS = host.address
    await host.rise(...orders)
    return host
  }

  /** Starts what does not run. */
  async rise(...orders: readonly HostOrder[]): Promise<void> {
    if (this.#daemon === null) {
      const args = [`--config-file=${this.#config}`, '--nofork', '--print-address']
      this.#daemon = spawn('/usr/bin/dbus-daemon', args, { stdio: ['ignore', 'pipe', 'ignore'] })
      await once(this.#daemon.stdout!, 'data')
    }
    await this.startSystemd(...orders)
  }

  /** Starts the systemd-in on the daemon that runs. */
  async startSystemd(...orders: readonly HostOrder[]): Promise<void> {
    const systemd = spawn(PYTHON, [join(import.meta.dirname, 'host.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#systemd = systemd
    const lines = createInterface({ input: systemd.stdout! })
    await once(lines, 'line')
    lines.on('line', line => this.#received(JSON.parse(line)))
    for (const order of orders) await this.order(order)
  }

  #received(line: HostCall | { readonly obeyed: HostOrder }): void {
    if ('obeyed' in line) this.#obeyed += 1
    else this.calls.push(line as HostCall)
    for (const waiter of this.#waiters) waiter()
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  /** Resolves when the order has been carried out. */
  async order(order: HostOrder): Promise<void> {
    const next = this.#obeyed + 1
    this.#systemd?.stdin?.write(`${JSON.stringify(order)}\n`)
    await this.#until(() => this.#obeyed >= next)
  }

  /** Resolves with the first call of that name. */
  async called(call: string): Promise<HostCall> {
    await this.#until(() => this.calls.some(each => each.call === call))
    return this.calls.find(each => each.call === call)!
  }

  /** Ends the systemd-in; the daemon runs on. */
  async stopSystemd(): Promise<void> {
    await end(this.#systemd)
    this.#systemd = null
  }

  /** Ends the daemon at once, and the systemd-in with it. */
  async fall(): Promise<void> {
    await end(this.#daemon, 'SIGKILL')
    this.#daemon = null
    rmSync(join(this.#folder, 'bus'), { force: true })
    await this.stopSystemd()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fall()
    delete process.env.DBUS_SYSTEM_BUS_ADDRESS
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function end(child: ChildProcess | null, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
