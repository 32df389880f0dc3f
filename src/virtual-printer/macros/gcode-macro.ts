// [gcode_macro NAME] and [delayed_gcode NAME]: commands and timers made of G-code templates.

import type { SimTimer } from '../clock.ts'
import type { Section } from '../config/section.ts'
import { ConfigError, GcodeError, messageOf, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Status, StatusSource } from '../objects.ts'
import { parseLiteral } from './python-literal.ts'
import { scriptTemplate } from './script-template.ts'

/** Creates the macro of a section: its command, its variables, and the new name of a command that it replaces. */
export function gcodeMacro(host: Host, section: Section): StatusSource {
  const { gcode } = host
  const alias = section.title.toUpperCase()
  if (/\s/.test(section.title))
    throw new ConfigError(`Name of section [${section.name}] contains illegal whitespace`)
  const template = scriptTemplate(host, `${section.name}:gcode`, section.text('gcode'))
  const help = section.text('description', 'G-Code macro')
  let variables = readVariables(section)
  let running = false

  const run = async (command: GcodeCommand): Promise<void> => {
    if (running) throw new GcodeError(`Macro ${alias} called recursively`)
    const script = await template.render({
      ...variables,
      params: new Map(command.params),
      rawparams: command.rawParams,
    })
    running = true
    try {
      await gcode.runNested(script)
    } finally {
      running = false
    }
  }
  registerMacro(host, section, alias, run, help)
  gcode.registerMux(
    'SET_GCODE_VARIABLE',
    'MACRO',
    section.title,
    command => {
      const name = command.text('VARIABLE')
      if (!(name in variables)) throw new UnsupportedError(`Unknown gcode_macro variable '${name}'`)
      variables = { ...variables, [name]: literalOf(command.text('VALUE'), `in '${command.line}'`) }
    },
    'Set the value of a G-Code macro variable',
  )
  return { status: (): Status => variables }
}

// A macro that renames a command replaces it when all commands are registered.
function registerMacro(
  host: Host,
  section: Section,
  alias: string,
  run: (command: GcodeCommand) => Promise<void>,
  help: string,
): void {
  const { gcode } = host
  const existing = section.optionalText('rename_existing')?.toUpperCase()
  if (existing === undefined) {
    gcode.register(alias, run, help)
    return
  }
  host.lifecycle.onReady(() => {
    const handler = gcode.unregister(alias)
    if (handler === undefined) {
      host.log(`Existing command '${alias}' not found in gcode_macro rename`)
      host.lifecycle.shutdown(`Existing command '${alias}' not found in gcode_macro rename`)
      return
    }
    gcode.register(existing, handler, `Renamed builtin of '${alias}'`)
    gcode.register(alias, run, help)
  })
}

function readVariables(section: Section): Record<string, unknown> {
  const variables: Record<string, unknown> = {}
  for (const option of section.optionsWith('variable_')) {
    const name = option.slice('variable_'.length)
    try {
      variables[name] = parseLiteral(section.text(option))
    } catch {
      throw new ConfigError(
        `Option '${option}' in section '${section.name}' is not a valid literal: ${section.text(option)}`,
      )
    }
  }
  return variables
}

function literalOf(text: string, where: string): unknown {
  try {
    return parseLiteral(text)
  } catch (error) {
    throw new GcodeError(`Unable to parse '${text}' as a literal: ${messageOf(error)} ${where}`)
  }
}

/** Creates the timer of a `[delayed_gcode NAME]`. */
export function delayedGcode(host: Host, section: Section): void {
  const { gcode, clock, lifecycle } = host
  const template = scriptTemplate(host, `${section.name}:gcode`, section.text('gcode'))
  const initial = section.number('initial_duration', 0, { min: 0 })
  let timer: SimTimer | undefined
  let running = false
  let repeat = 0
  const start = (seconds: number) => {
    timer?.cancel()
    timer = seconds > 0 ? clock.at(clock.now + seconds, () => void fire()) : undefined
  }
  const fire = async () => {
    running = true
    repeat = 0
    try {
      await gcode.run(await template.render())
    } catch (error) {
      host.log(`Script running error: ${messageOf(error)}`)
    }
    running = false
    if (lifecycle.ready) start(repeat)
  }
  lifecycle.onReady(() => start(initial))
  gcode.registerMux(
    'UPDATE_DELAYED_GCODE',
    'ID',
    section.title,
    command => {
      const duration = command.number('DURATION', undefined, { min: 0 })
      // While its own G-code runs, this sets the time until the next run.
      if (running) repeat = duration
      else start(duration)
    },
    'Update the duration of a delayed_gcode',
  )
}
