// Commands that work in every state: restart, status, help, version, emergency stop.

import { SOFTWARE_VERSION } from '../api/webhooks.ts'
import { GcodeError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { GcodeCommand } from './command.ts'

/** Registers these commands; a restart awaits `beforeRestart`, the end of motion. */
export function baseCommands(host: Host, beforeRestart: () => Promise<void>): void {
  const { gcode, lifecycle, config } = host
  const restart = (kind: 'restart' | 'firmware_restart') => async () => {
    if (lifecycle.ready) await beforeRestart()
    host.restart(kind)
  }
  gcode.register('M110', () => {}, undefined, true)
  gcode.register('M112', () => lifecycle.shutdown('Shutdown due to M112 command'), undefined, true)
  gcode.register(
    'M115',
    () => gcode.respondInfo(`FIRMWARE_NAME:Klipper FIRMWARE_VERSION:${SOFTWARE_VERSION}`),
    undefined,
    true,
  )
  gcode.register('RESTART', restart('restart'), 'Reload config file and restart host software', true)
  gcode.register(
    'FIRMWARE_RESTART',
    restart('firmware_restart'),
    'Restart firmware, host, and reload config',
    true,
  )
  gcode.register('ECHO', command => gcode.respondInfo(command.line), undefined, true)
  gcode.register('STATUS', () => status(host), 'Report the printer status', true)
  gcode.register('HELP', () => help(host), 'Report the list of available extended G-Code commands', true)
  gcode.register(
    'SAVE_CONFIG',
    async () => {
      config.save()
      await restart('restart')()
    },
    'Overwrite config file and restart',
  )
}

/** Registers RESPOND, M118 and their prefixes; `[respond]` sets the default. */
export function respondCommands(host: Host): void {
  const { gcode, config } = host
  const section = config.section('respond')
  const prefixes: Record<string, string> = { echo: 'echo:', command: '//', error: '!!' }
  const type = section.text('default_type', 'echo')
  const standard = section.text('default_prefix', prefixes[type] ?? 'echo:')
  const echo = (command: GcodeCommand) => gcode.respondRaw(`${standard} ${command.rawParams}`)
  gcode.register('M118', echo, undefined, true)
  gcode.register(
    'RESPOND',
    command => {
      const wanted = command.has('TYPE') ? command.text('TYPE').toLowerCase() : undefined
      const spaced = wanted?.endsWith('_no_space')
      const known = wanted === undefined ? standard : prefixes[wanted.replace('_no_space', '')]
      if (known === undefined)
        throw new GcodeError(
          `RESPOND TYPE '${wanted}' is invalid. Must be one of 'echo', 'command', or 'error'`,
        )
      const prefix = command.text('PREFIX', known)
      const message = command.text('MSG', '')
      gcode.respondRaw(spaced ? prefix + message : `${prefix} ${message}`)
    },
    'Echo the message prepended with a prefix',
    true,
  )
}

function status({ gcode, lifecycle }: Host): void {
  if (!lifecycle.ready) throw new GcodeError(`${lifecycle.message.trimEnd()}\nKlipper state: Not ready`)
  gcode.respondInfo('Klipper state: Ready')
}

function help({ gcode, lifecycle }: Host): void {
  const lines = lifecycle.ready ? [] : ['Printer is not ready - not all commands available.']
  lines.push('Available extended commands:')
  for (const [name, text] of Object.entries(gcode.help()).sort(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`${name.padEnd(10)}: ${text}`)
  }
  gcode.respondInfo(lines.join('\n'))
}
