// supervisord through its command supervisorctl, for containers that run several programs: the provider supervisord_cli.
import { once } from 'node:events'
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
const LIST_TIMEOUT = 20
const ACTION_TIMEOUT = 60

const CONTROL = 'supervisorctl'
/** The exit codes of `supervisorctl status` if all services run, and if some do not; others are errors. */
const STATUS_CODES: readonly (number | null)[] = [0, 3]
const PROGRAM_LINE = /^(\S+)\s+([A-Z]+)\b(?:\s+pid (\d+))?/
/** The requested state is reached already: not a failure. */
const ALREADY = /ERROR \((already started|not running)\)/
const FAILED = /ERROR \((.{0,500})\)/

/** supervisord's states in systemd's words. */
const ACTIVE_STATES: ReadonlyMap<string, string> = new Map([
  ['running', 'active'],
  ['starting', 'activating'],
  ['backoff', 'activating'],
  ['stopping', 'deactivating'],
  ['fatal', 'failed'],
])

/** A program of supervisord. */
interface Program {
  readonly state: ServiceState
  /** Null while it does not run. */
  readonly pid: number | null
}

/** The programs by their names, as `supervisorctl status` prints them. */
export function readPrograms(text: string): Map<string, Program> {
  const programs = new Map<string, Program>()
  for (const line of text.split('\n')) {
    const [, name, word, pid] = PROGRAM_LINE.exec(line.trim()) ?? []
    if (name === undefined || word === undefined) continue
    const sub_state = word.toLowerCase()
    const state = { active_state: ACTIVE_STATES.get(sub_state) ?? 'inactive', sub_state }
    programs.set(name, { state, pid: pid === undefined ? null : Number(pid) })
  }
  return programs
}

export class SupervisordCli implements CommandManager {
  readonly name = 'supervisord_cli'
  /** The command is a Python program and takes its time on a small machine. */
  readonly period = 5
  readonly #parts: ProviderParts
  #known: ReadonlyMap<string, Program> = new Map()

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  #arguments(args: readonly string[]): string[] {
    const { supervisordConfig } = this.#parts
    return supervisordConfig === null ? [...args] : ['-c', supervisordConfig, ...args]
  }

  async #programs(): Promise<ReadonlyMap<string, Program>> {
    const { signal } = this.#parts
    const result = await runCommand(CONTROL, this.#arguments(['status']), {
      timeoutSeconds: LIST_TIMEOUT,
      signal,
    })
    if (!STATUS_CODES.includes(result.code)) throw new Error(commandFailure(CONTROL, result))
    this.#known = readPrograms(result.stdout)
    return this.#known
  }

  async query(): Promise<ServiceStates> {
    const allowed = [...(await this.#programs())].filter(([name]) => this.#parts.allowed.includes(name))
    return new Map(allowed.map(([name, { state }]) => [name, state]))
  }

  /** Not ended with the server: a restart that is interrupted leaves the program stopped. */
  async act(action: ServiceAction, service: string): Promise<void> {
    const args = this.#arguments([action, service])
    const result = await runCommand(CONTROL, args, { timeoutSeconds: ACTION_TIMEOUT })
    const output = result.stdout.replace(ALREADY, '')
    const failed = FAILED.exec(output)
    if (failed === null && (result.code === 0 || output !== result.stdout)) return
    const why = failed?.[1] ?? commandFailure(CONTROL, result)
    throw new ApiError(500, `Service '${service}' could not be ${DONE[action]}: ${why}`)
  }

  /** supervisorctl stops the program and starts it again itself: it has to outlive us, and what it prints has no reader. */
  async restartOwn(service: string): Promise<void> {
    const { spawn } = await import('node:child_process')
    const child = spawn(CONTROL, this.#arguments(['restart', service]), { detached: true, stdio: 'ignore' })
    child.unref()
    await once(child, 'exit')
    if (child.exitCode !== 0) throw new Error(`${CONTROL} ended with ${child.exitCode}`)
  }

  async unitOf(pid: number): Promise<string | null> {
    return nameOf(this.#known, pid) ?? nameOf(await this.#programs(), pid)
  }
}

function nameOf(programs: ReadonlyMap<string, Program>, pid: number): string | null {
  for (const [name, program] of programs) if (program.pid === pid) return name
  return null
}
