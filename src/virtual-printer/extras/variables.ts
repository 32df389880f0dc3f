// SAVE_VARIABLE: values that survive restarts, in a file of Python literals.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { parseIni } from '../../core/ini.ts'
import type { Section } from '../config/section.ts'
import { ConfigError, GcodeError, messageOf } from '../errors.ts'
import type { Host } from '../host.ts'
import { formatLiteral, parseLiteral } from '../macros/python-literal.ts'
import type { StatusSource } from '../objects.ts'

/** Creates the `save_variables` object and its command. */
export function saveVariables(host: Host, section: Section): StatusSource {
  const file = section.text('filename').replace(/^~(?=\/|$)/, homedir())
  let variables = readVariables(file)
  host.gcode.register(
    'SAVE_VARIABLE',
    command => {
      const name = command.text('VARIABLE')
      if (name.toLowerCase() !== name) throw new GcodeError('VARIABLE must not contain upper case')
      const text = command.text('VALUE')
      let value: unknown
      try {
        value = parseLiteral(text)
      } catch {
        throw new GcodeError(`Unable to parse '${text}' as a literal`)
      }
      const next = { ...variables, [name]: value }
      writeVariables(file, next)
      variables = next
    },
    'Save arbitrary variables to disk',
  )
  return { status: () => ({ variables }) }
}

function readVariables(file: string): Record<string, unknown> {
  try {
    if (!existsSync(file)) writeFileSync(file, '')
    const section = parseIni(readFileSync(file, 'utf8'), file).find(each => each.name === 'Variables')
    return Object.fromEntries(
      (section?.options ?? []).map(option => [option.name, parseLiteral(option.value)]),
    )
  } catch (error) {
    throw new ConfigError(`Unable to parse existing variable file: ${messageOf(error)}`)
  }
}

function writeVariables(file: string, variables: Record<string, unknown>): void {
  const lines = Object.entries(variables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} = ${formatLiteral(value)}`)
  try {
    writeFileSync(file, `[Variables]\n${lines.join('\n')}\n`)
  } catch (error) {
    throw new GcodeError(`Unable to save variable: ${messageOf(error)}`)
  }
}
