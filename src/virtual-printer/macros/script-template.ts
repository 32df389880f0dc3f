// Klipper's G-code templates: Jinja with the printer's objects and the actions that macros can take.

import {
  compileTemplate,
  splitArguments,
  type Template,
  TemplateError,
  type TemplateObject,
} from '../../template/index.ts'
import { ConfigError, GcodeError, messageOf } from '../errors.ts'
import type { Host } from '../host.ts'

/** A compiled G-code template of the configuration. */
export interface ScriptTemplate {
  /** The G-code for these variables. Rejects with GcodeError. */
  render(variables?: Record<string, unknown>): Promise<string>
}

/** Compiles the template of `option` in `section`. Throws ConfigError. */
export function scriptTemplate(host: Host, where: string, source: string): ScriptTemplate {
  const template = compile(where, source)
  return {
    // Rendering takes no simulated time.
    render: (variables = {}) => host.clock.hold(() => render(host, where, template, variables)),
  }
}

function compile(where: string, source: string): Template {
  try {
    return compileTemplate(source)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    const { line, detail } = error
    throw new ConfigError(
      `Error loading template '${where}'\nline ${line}: ${source.split('\n')[line - 1] ?? ''} # ${detail}`,
    )
  }
}

async function render(
  host: Host,
  where: string,
  template: Template,
  variables: Record<string, unknown>,
): Promise<string> {
  const raised: { error?: GcodeError } = {}
  try {
    return await template.render({ printer: new PrinterView(host), ...actions(host, raised), ...variables })
  } catch (error) {
    const problem =
      raised.error === undefined
        ? `${kindOf(error)}: ${error instanceof TemplateError ? error.detail : messageOf(error)}`
        : `gcode.CommandError: ${raised.error.message}`
    // Klipper quotes Python's description of the error with its line break.
    throw new GcodeError(`Error evaluating '${where}': ${problem}\n`)
  }
}

function kindOf(error: unknown): string {
  return error instanceof TemplateError ? `jinja2.exceptions.${error.kind}` : 'Error'
}

// A template error loses the type of a function's error, so `raised` contains the original error.
function actions(host: Host, raised: { error?: GcodeError }): Record<string, unknown> {
  const raise = (error: GcodeError): never => {
    raised.error = error
    throw error
  }
  return {
    action_respond_info(text: unknown) {
      host.gcode.respondInfo(String(text))
      return ''
    },
    action_raise_error: (text: unknown) => raise(new GcodeError(String(text))),
    action_emergency_stop(text: unknown = 'action_emergency_stop') {
      host.lifecycle.shutdown(`Shutdown due to ${String(text)}`)
      return ''
    },
    action_log(text: unknown) {
      host.log(String(text))
      return ''
    },
    action_call_remote_method(...received: unknown[]) {
      const { positional, named } = splitArguments(received)
      try {
        host.callRemote(String(positional[0]), { ...named })
      } catch (error) {
        host.log(`Remote Call Error: ${messageOf(error)}`)
      }
      return ''
    },
  }
}

/** The variable `printer`: objects by name, each with its status at the first access of a render. */
class PrinterView implements TemplateObject {
  readonly typeName = 'printer'
  readonly #host: Host
  readonly #seen = new Map<string, unknown>()

  constructor(host: Host) {
    this.#host = host
  }

  getItem(key: unknown): unknown {
    const name = String(key).trim()
    if (!this.#seen.has(name)) {
      const status = this.#host.objects.status(name)
      this.#seen.set(name, status === undefined ? undefined : forTemplate(status))
    }
    return this.#seen.get(name)
  }

  keys(): string[] {
    return this.#host.objects.names
  }
}

/** A position, readable as `position.x` and as `position[0]`. */
class Coordinates implements TemplateObject {
  readonly typeName = 'Coord'
  readonly #values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.#values = values
  }

  getItem(key: unknown): unknown {
    const index = typeof key === 'number' ? key : ['x', 'y', 'z', 'e'].indexOf(String(key))
    return this.#values[index]
  }

  keys(): readonly unknown[] {
    return this.#values
  }
}

const POSITIONS = new Set([
  'position',
  'gcode_position',
  'homing_origin',
  'live_position',
  'axis_minimum',
  'axis_maximum',
  'last_probe_position',
])

function forTemplate(status: Record<string, unknown>): Record<string, unknown> {
  const view: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(status)) {
    view[name] = POSITIONS.has(name) && Array.isArray(value) ? new Coordinates(value) : value
  }
  return view
}
