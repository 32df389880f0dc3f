// The states of Klippy: startup, then ready or error, and shutdown; with the texts that clients show.

/** Klippy's states in `webhooks.state` and `info`. */
export type KlippyState = 'startup' | 'ready' | 'error' | 'shutdown'

const STARTUP =
  '\nPrinter is not ready\nThe klippy host software is attempting to connect.  Please\nretry in a few moments.\n'
const READY = 'Printer is ready'
const AFTER_CONFIG_ERROR =
  '\n\nOnce the underlying issue is corrected, use the "RESTART"\ncommand to reload the config and restart the host software.\nPrinter is halted\n'
const AFTER_SHUTDOWN =
  '\nOnce the underlying issue is corrected, use the\n"FIRMWARE_RESTART" command to reset the firmware, reload the\nconfig, and restart the host software.\nPrinter is shutdown\n'

/** The state of Klippy from a start to the next restart, and its listeners. */
export class Lifecycle {
  #state: KlippyState = 'startup'
  #message = STARTUP
  readonly #onReady: (() => void)[] = []
  readonly #onShutdown: (() => void)[] = []
  readonly #onEnd: (() => void)[] = []

  get state(): KlippyState {
    return this.#state
  }

  /** The state message, with what to do about an error. */
  get message(): string {
    return this.#message
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  /** Called when the state becomes `ready`. */
  onReady(listener: () => void): void {
    this.#onReady.push(listener)
  }

  /** Called when the state becomes `shutdown`. */
  onShutdown(listener: () => void): void {
    this.#onShutdown.push(listener)
  }

  /** Called when this run ends, to close files and cancel timers. */
  onEnd(listener: () => void): void {
    this.#onEnd.push(listener)
  }

  becomeReady(): void {
    if (this.#state !== 'startup') return
    this.#state = 'ready'
    this.#message = READY
    for (const listener of this.#onReady) listener()
  }

  /** The configuration is unusable. */
  fail(problem: string): void {
    this.#state = 'error'
    this.#message = problem + AFTER_CONFIG_ERROR
  }

  /** The machine stops at once; only a restart makes it ready again. */
  shutdown(reason: string): void {
    if (this.#state === 'shutdown') return
    this.#state = 'shutdown'
    this.#message = reason + AFTER_SHUTDOWN
    for (const listener of this.#onShutdown) listener()
  }

  end(): void {
    for (const listener of this.#onEnd) listener()
  }

  /** The `webhooks` object. */
  status(): Record<string, unknown> {
    return { state: this.#state, state_message: this.#message }
  }
}
