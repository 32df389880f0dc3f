// The G-code dispatcher: commands by name, scripts one after the other, responses to all listeners.

import { commandName } from '../../motion/command-text.ts'
import { ConfigError, GcodeError, messageOf, UnsupportedError } from '../errors.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { GcodeCommand, noSuchOption } from './command.ts'

/** Runs a command; a promise makes the commands after it wait. */
export type Handler = (command: GcodeCommand) => void | Promise<void>

interface Mux {
  key: string
  handlers: Map<string | undefined, Handler>
}

interface Registration {
  handler: Handler
  help?: string
  /** Whether it works while the printer is not ready. */
  always: boolean
}

/** Commands, their dispatch, and the output for consoles. */
export class Gcode {
  readonly #lifecycle: Lifecycle
  readonly #commands = new Map<string, Registration>()
  readonly #muxes = new Map<string, Mux>()
  readonly #listeners = new Set<(text: string) => void>()
  readonly #waiting: (() => void)[] = []
  #running = false
  #published: { ready: boolean; commands: Record<string, { help?: string }> } | undefined
  /** Whether an unsupported command only responds with a message instead of failing. */
  skipsUnsupported: () => boolean = () => false

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle
  }

  /** Whether a script is running. */
  get busy(): boolean {
    return this.#running
  }

  register(name: string, handler: Handler, help?: string, always = false): void {
    if (this.#commands.has(name)) throw new ConfigError(`gcode command ${name} already registered`)
    this.#commands.set(name, { handler, always, ...(help === undefined ? {} : { help }) })
    this.#published = undefined
  }

  /** Removes a command and returns its handler. */
  unregister(name: string): Handler | undefined {
    const known = this.#commands.get(name)
    this.#commands.delete(name)
    this.#published = undefined
    return known?.handler
  }

  /** A command that several objects share: the parameter `key` selects one, `undefined` is the value without it. */
  registerMux(name: string, key: string, value: string | undefined, handler: Handler, help?: string): void {
    let mux = this.#muxes.get(name)
    if (mux === undefined) {
      mux = { key, handlers: new Map() }
      this.#muxes.set(name, mux)
      this.register(name, command => this.#dispatchMux(name, command), help)
    }
    mux.handlers.set(value, handler)
  }

  has(name: string): boolean {
    return this.#commands.has(name)
  }

  /** Help texts by command. */
  help(): Record<string, string> {
    const texts: Record<string, string> = {}
    for (const [name, { help }] of this.#commands) if (help !== undefined) texts[name] = help
    return texts
  }

  /** The `gcode` object: the commands that work in the present state. */
  status(): Record<string, unknown> {
    const { ready } = this.#lifecycle
    if (this.#published?.ready !== ready) {
      const usable = [...this.#commands].filter(([, { always }]) => ready || always)
      const commands = usable.map(([name, { help }]) => [name, help === undefined ? {} : { help }])
      this.#published = { ready, commands: Object.fromEntries(commands) }
    }
    return { commands: this.#published.commands }
  }

  /** Runs the lines of a script after the scripts before it. Rejects with the GcodeError of the first failing line. */
  run(script: string): void | Promise<void> {
    if (this.#running) return this.#later(script)
    this.#running = true
    let result: void | Promise<void>
    try {
      result = this.runNested(script)
    } catch (error) {
      this.#release()
      throw error
    }
    if (result === undefined) this.#release()
    return result?.finally(() => this.#release())
  }

  /** Runs the lines of a script inside of a running command. */
  runNested(script: string): void | Promise<void> {
    if (!script.includes('\n')) return this.#runLine(script)
    const lines = script.split('\n')
    for (let index = 0; index < lines.length; index++) {
      const result = this.#runLine(lines[index]!)
      if (result !== undefined) return this.#runRest(result, lines, index + 1)
    }
    return undefined
  }

  /** Sends a text as it is. */
  respondRaw(text: string): void {
    for (const listener of this.#listeners) listener(text)
  }

  /** Sends a text with `// ` before each line. */
  respondInfo(text: string): void {
    const lines = text.trim().split('\n')
    this.respondRaw(`// ${lines.map(line => line.trim()).join('\n// ')}`)
  }

  /** Sends the first line with `!! `, after the whole text when it has several lines. */
  respondError(text: string): void {
    const lines = text.trim().split('\n')
    if (lines.length > 1) this.respondInfo(text)
    this.respondRaw(`!! ${lines[0]!.trim()}`)
  }

  /** Calls `listener` with every response; the returned function ends that. */
  listen(listener: (text: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #later(script: string): Promise<void> {
    await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      await this.runNested(script)
    } finally {
      this.#release()
    }
  }

  // The next waiting script starts before any new one.
  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running = false
    else next()
  }

  async #runRest(first: Promise<void>, lines: string[], from: number): Promise<void> {
    await first
    for (const line of lines.slice(from)) {
      const result = this.#runLine(line)
      if (result !== undefined) await result
    }
  }

  #runLine(text: string): void | Promise<void> {
    const line = text.trim()
    const name = commandName(line)
    if (name === '') return undefined
    const command = new GcodeCommand(name, line)
    try {
      return this.#dispatch(command)?.catch(error => this.#fail(error))
    } catch (error) {
      return this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (error instanceof UnsupportedError && this.skipsUnsupported()) {
      this.respondInfo(error.message)
      return
    }
    if (error instanceof GcodeError) {
      this.respondError(error.message)
      throw error
    }
    // A bug, not an error of the G-code: Klipper shuts the machine down then.
    const bug = new GcodeError(`Internal error on command: ${messageOf(error)}`)
    this.#lifecycle.shutdown(bug.message)
    this.respondError(bug.message)
    throw bug
  }

  #dispatch(command: GcodeCommand): void | Promise<void> {
    const known = this.#commands.get(command.name)
    if (known === undefined || !(this.#lifecycle.ready || known.always)) return this.#unknown(command)
    command.check()
    return known.handler(command)
  }

  #unknown(command: GcodeCommand): void | Promise<void> {
    const { name } = command
    if (name === 'M105') return this.respondRaw('T:0')
    if (name === 'M21') return undefined
    if (!this.#lifecycle.ready) throw new GcodeError(this.#lifecycle.message)
    // A text that starts with a number reads as part of the name: `M117 100%`.
    const [real = ''] = name.split(' ')
    const text = ['M117', 'M118', 'M23'].includes(real) ? this.#commands.get(real) : undefined
    if (real !== name && text !== undefined) return text.handler(new GcodeCommand(real, command.line))
    if (['M104', 'M140'].includes(name) && command.number('S', 0) === 0) return undefined
    if (name === 'M107' || (name === 'M106' && command.number('S', 1) === 0)) return undefined
    this.respondInfo(`Unknown command:"${name}"`)
    return undefined
  }

  #dispatchMux(name: string, command: GcodeCommand): void | Promise<void> {
    const { key, handlers } = this.#muxes.get(name)!
    const value = handlers.has(undefined) && !command.has(key) ? undefined : command.text(key)
    const handler = handlers.get(value)
    if (handler !== undefined) return handler(command)
    throw noSuchOption(
      key,
      value,
      [...handlers.keys()].filter(option => option !== undefined),
    )
  }
}
