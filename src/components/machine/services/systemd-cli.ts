// systemd through its command systemctl, with sudo: the provider systemd_cli.
import { readFile } from 'node:fs/promises'
import { commandFailure } from '../../../core/command-failure.ts'
import { ApiError } from '../../../core/errors.ts'
import { runCommand } from '../../../core/run-command.ts'
import type { CommandManager } from './polled-provider.ts'
import {
  DONE,
  type ProviderParts,
  type ServiceAction,
  type ServiceState,
  type ServiceStates,
} from './provider.ts'

/** Seconds. */
const LIST_TIMEOUT = 10
const ACTION_TIMEOUT = 60

const LIST = ['list-units', '--all', '--type=service', '--plain', '--full', '--no-legend', '--no-pager']
const UNIT_LINE = /^(\S+)\.service\s+(\S+)\s+(\S+)\s+(\S+)/

/** The service in whose control group a process is, by the text of /proc/PID/cgroup; null where it is none. */
export function unitOfCgroup(text: string): string | null {
  // The unified hierarchy, or systemd's own of the older ones.
  const line = /^(?:0:|\d+:name=systemd):(.*)$/m.exec(text)
  // What a person starts is below user.slice.
  return /^\/system\.slice\/(?:.*\/)?([^/]+)\.service(?:\/|$)/.exec(line?.[1] ?? '')?.[1] ?? null
}

export class SystemdCli implements CommandManager {
  readonly name = 'systemd_cli'
  readonly period = 2
  readonly #parts: ProviderParts

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  async query(): Promise<ServiceStates> {
    const { allowed, signal } = this.#parts
    const args = [...LIST, '--', ...allowed.unitPatterns()]
    const result = await runCommand('systemctl', args, { timeoutSeconds: LIST_TIMEOUT, signal })
    if (result.code !== 0) throw new Error(commandFailure('systemctl', result))
    const states = new Map<string, ServiceState>()
    for (const line of result.stdout.split('\n')) {
      const [, name = '', load, active_state = '', sub_state = ''] = UNIT_LINE.exec(line.trim()) ?? []
      if (load === 'loaded' && allowed.includes(name)) states.set(name, { active_state, sub_state })
    }
    return states
  }

  async act(action: ServiceAction, service: string): Promise<void> {
    const args = ['--no-ask-password', action, '--', `${service}.service`]
    const result = await this.#parts.sudo.run('systemctl', args, { timeoutSeconds: ACTION_TIMEOUT })
    if (result.code === 0) return
    const why = commandFailure('systemctl', result)
    throw new ApiError(500, `Service '${service}' could not be ${DONE[action]}: ${why}`)
  }

  restartOwn(service: string): Promise<void> {
    return this.act('restart', service)
  }

  async unitOf(pid: number): Promise<string | null> {
    try {
      return unitOfCgroup(await readFile(`/proc/${pid}/cgroup`, 'utf8'))
    } catch {
      // The process is gone, or another user's and hidden.
      return null
    }
  }
}
