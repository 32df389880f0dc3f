// A connection to the system's D-Bus: calls, properties and signals, each bounded in time. It reports its end.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { DBusError, Message, MessageBus } from 'dbus-native'
import { messageOf } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'

/** The address of the system bus without DBUS_SYSTEM_BUS_ADDRESS (D-Bus specification). */
export const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket'

const TIMEOUT_MS = 10_000
/** The longest message from the bus, in bytes; systemd's answers have some kilobytes. */
const MAX_MESSAGE = 8 * 1024 * 1024
const SIGNAL = 4

/** An interface of an object on the bus: the name of its program, its path, and the interface. */
export interface BusObject {
  readonly destination: string
  readonly path: string
  readonly interface: string
}

/** The error that another program answers, by the name that D-Bus has for it. */
export class BusError extends Error {
  override readonly name: string = 'BusError'
  readonly busName: string

  constructor(message: string, busName: string) {
    super(message)
    this.busName = busName
  }
}

/** Receives a signal's parameters. */
type SignalListener = (body: readonly unknown[]) => void

/** How a signal is listened to. */
export interface SignalOptions {
  /** Removes the listener when it is closed. */
  readonly scope: Scope
  readonly received: SignalListener
  readonly first?: string
}

/**
 * The sockets that a D-Bus address names, best first; '\0' starts an abstract one. Other kinds of addresses than
 * unix:path and unix:abstract are ignored: no system bus uses them.
 */
export function socketsOf(address: string): string[] {
  return address.split(';').flatMap(each => {
    const found = /^unix:(?:.*,)?(path|abstract)=([^,]*)/.exec(each.trim())
    if (found === null) return []
    const name = (found[2] as string).replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    return [found[1] === 'path' ? name : `\0${name}`]
  })
}

/** Connects to the first socket of `address` that answers. */
async function openSocket(address: string, signal: AbortSignal): Promise<Socket> {
  let problem = 'its address names no unix socket'
  for (const path of socketsOf(address)) {
    const socket = connect(path)
    // Later errors are those of the connection; before it exists nothing else receives them.
    socket.on('error', () => undefined)
    try {
      await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })
      return socket
    } catch (error) {
      socket.destroy()
      // Without the path: clients receive the error.
      problem = `it does not listen: ${(error as NodeJS.ErrnoException).code ?? messageOf(error)}`
    }
  }
  throw new Error(problem)
}

export class SystemBus {
  readonly #bus: MessageBus
  readonly #socket: Socket
  /** By path, interface and member. */
  readonly #listeners = new Map<string, Set<SignalListener>>()
  /** Owners of the well-known names whose signals are received: every program can send signals. */
  readonly #owners = new Map<string, string>()
  #name = ''
  /** Null until there is a connection, and once its end is of no interest. */
  #lost: ((reason: string) => void) | null = null

  private constructor(bus: MessageBus, socket: Socket) {
    this.#bus = bus
    this.#socket = socket
    let problem = 'it hung up'
    const fail = (error: Error) => {
      problem = error.message
      socket.destroy()
    }
    // An invalid message on the bus must not end this process: both errors have to have a listener.
    bus.connection.on('error', fail)
    bus.connection.on('handlerError', fail)
    bus.connection.on('close', () => {
      this.#lost?.(problem)
      this.#lost = null
    })
    bus.connection.on('message', message => this.#received(message))
  }

  /**
   * Connects, with the D-Bus handshake and Hello. `signal` ends the line, or the attempt. `lost` is called once if an
   * open line ends.
   */
  static async connect(
    address: string,
    lost: (reason: string) => void,
    signal: AbortSignal,
  ): Promise<SystemBus> {
    const socket = await openSocket(address, signal)
    const end = () => void socket.destroy()
    signal.addEventListener('abort', end)
    socket.once('close', () => signal.removeEventListener('abort', end))
    try {
      const bus = await SystemBus.#over(socket, lost)
      signal.throwIfAborted()
      return bus
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  static async #over(socket: Socket, lost: (reason: string) => void): Promise<SystemBus> {
    const { default: dbus } = await import('dbus-native')
    if (socket.destroyed) throw new Error('it hung up')
    const client = dbus.createClient({
      stream: socket,
      // The server calls Hello itself: if that fails in the library, the library throws an error that cannot be caught.
      direct: true,
      authMethods: ['EXTERNAL'],
      returnBigInt: false,
      timeout: TIMEOUT_MS,
      maxMessageSize: MAX_MESSAGE,
    })
    const bus = new SystemBus(client, socket)
    bus.#name = String(await client.invokeDbus<unknown>({ member: 'Hello' }))
    bus.#lost = lost
    return bus
  }

  /** Our own name on the bus. */
  get name(): string {
    return this.#name
  }

  /** Ends the connection for all its users, who are notified with `reason`. */
  fail(reason: string): void {
    const lost = this.#lost
    this.#lost = null
    this.#socket.destroy()
    lost?.(reason)
  }

  /** Calls a method. Rejects with BusError for what is refused, and with Error where there is no answer. */
  async call(
    object: BusObject,
    member: string,
    signature = '',
    body: readonly unknown[] = [],
  ): Promise<unknown> {
    const message: Message = { ...object, member, ...(signature !== '' && { signature, body: [...body] }) }
    try {
      return await this.#bus.invoke<unknown>(message)
    } catch (error) {
      const { dbusName, reply } = error as Partial<DBusError>
      // Errors without a reply are the library's own, under the bus's names too.
      throw dbusName === undefined || reply === undefined ? error : new BusError(messageOf(error), dbusName)
    }
  }

  property(object: BusObject, name: string): Promise<unknown> {
    const properties = { ...object, interface: 'org.freedesktop.DBus.Properties' }
    return this.call(properties, 'Get', 'ss', [object.interface, name])
  }

  /**
   * Passes a signal of `object` to the listener until it is removed; only signals that the owner of the name
   * `object.destination` sends, and only those with the first parameter `first`, if it is given.
   */
  async listen(object: BusObject, member: string, { scope, received, first }: SignalOptions): Promise<void> {
    const { destination, path } = object
    if (!this.#owners.has(destination)) {
      const owner = await this.#bus.invokeDbus<unknown>({
        member: 'GetNameOwner',
        signature: 's',
        body: [destination],
      })
      this.#owners.set(destination, String(owner))
    }
    const key = keyOf(path, object.interface, member)
    const listeners = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, listeners.add(received))
    const rule = { type: 'signal', sender: destination, path, interface: object.interface, member }
    const pairs = Object.entries({ ...rule, ...(first !== undefined && { arg0: first }) })
    const match = pairs.map(([name, value]) => `${name}='${value}'`).join()
    scope.defer(() => {
      listeners.delete(received)
      if (!this.#socket.destroyed) this.#bus.removeMatch(match).catch(() => undefined)
    })
    await this.#bus.addMatch(match)
  }

  #received({ type, sender, path, interface: of, member, body }: Message): void {
    if (type !== SIGNAL || path === undefined || of === undefined || member === undefined) return
    const listeners = this.#listeners.get(keyOf(path, of, member))
    if (listeners === undefined || ![...this.#owners.values()].includes(sender ?? '')) return
    for (const listener of listeners) listener(body ?? [])
  }
}

function keyOf(path: string, interfaceName: string, member: string): string {
  return `${path} ${interfaceName} ${member}`
}
