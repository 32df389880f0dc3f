// [notifier NAME]: messages to users when a print starts, ends or fails, and when a macro calls `notify`.
import { notifiers as chapter, notifiersDebug } from '../../api/notifiers.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { DeliveryError } from './message.ts'
import { Notifier, notifierOptions } from './notifier.ts'
import { PrintEvents } from './print-events.ts'

/** The name of the event of the remote method. */
const REMOTE_EVENT = 'remote_action'
/** The file name in the stats of a test. */
const TEST_FILE = 'notifier_test.gcode'

class Notifiers implements Component {
  readonly #core: Core
  readonly #configured: readonly Notifier[]
  /** Those that started. */
  readonly #working = new Map<string, Notifier>()
  readonly #events: PrintEvents

  constructor(core: Core, scope: Scope, configured: readonly Notifier[]) {
    this.#core = core
    this.#configured = configured
    this.#events = new PrintEvents(core, scope, (event_name, event_args) => {
      for (const notifier of this.#working.values()) {
        if (notifier.handles(event_name)) notifier.notify({ event_name, event_args, event_message: '' })
      }
    })
  }

  /** One that cannot start is a warning; the others work. */
  async start(): Promise<void> {
    const start = async (notifier: Notifier) => {
      try {
        await notifier.start()
        this.#working.set(notifier.name, notifier)
      } catch (error) {
        this.#core.warnings.add(`Notifier '${notifier.name}' does not work: ${messageOf(error)}`)
      }
    }
    await Promise.all(this.#configured.map(start))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#configured.map(notifier => notifier.stop()))
  }

  list() {
    return this.#configured.map(notifier => notifier.describe())
  }

  /** Sends a message for a macro. Throws ApiError 404 for an unknown notifier. */
  notify(name: unknown, message: unknown): void {
    this.#find(String(name)).notify({
      event_name: REMOTE_EVENT,
      event_args: [],
      event_message: typeof message === 'string' ? message : (JSON.stringify(message) ?? ''),
    })
  }

  /** Sends a test message. Rejects with ApiError: 404 for an unknown notifier, 502 if the delivery fails. */
  async test(name: string) {
    const notifier = this.#find(name)
    const stats = { ...(await this.#events.now()), filename: TEST_FILE }
    try {
      await notifier.test({ event_name: notifier.firstEvent, event_args: [stats, stats], event_message: '' })
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error
      throw new ApiError(502, `The message was not delivered: ${error.message}`, { cause: error })
    }
    return { status: 'success', stats }
  }

  #find(name: string): Notifier {
    const notifier = this.#working.get(name)
    if (notifier === undefined) throw new ApiError(404, `Notifier '${name}' not found`)
    return notifier
  }
}

export default component({
  section: 'notifier',
  presence: 'configured',
  options: {},
  named: { options: notifierOptions },
  create({ core, scope, named }): Component {
    const notifiers = new Notifiers(
      core,
      scope,
      named.each(section => new Notifier(core, section)),
    )
    scope.use(
      core.registry.serve(chapter, { 'server.notifiers.list': () => ({ notifiers: notifiers.list() }) }),
    )
    if (core.debug) {
      scope.use(
        core.registry.serve(notifiersDebug, {
          'debug.notifiers.test': ({ name }) => notifiers.test(name),
        }),
      )
    }
    const { session } = core.printer
    session.addRemoteMethod('notify', ({ name, message }) => notifiers.notify(name, message))
    scope.defer(() => session.removeRemoteMethod('notify'))
    return notifiers
  },
})
