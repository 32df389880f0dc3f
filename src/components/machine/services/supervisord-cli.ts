// supervisord through its command supervisorctl, for containers that run several programs: the provider supervisord_cli.
import { once } from 'node:events'
import { ApiError } from '../../../core/errors.ts'
import { type CommandOptions, runCommand } from '../../../core/run-command.ts'
import { PolledStates } from './polled-states.ts'
import { powerByCommand } from './power-command.ts'
import {
  DONE,
  type PowerAction,
  type Provider,
  type ProviderParts,
  type ServiceAction,
  type ServiceState,
  type ServiceStates,
} from './provider.ts'

/** Seconds; the command is a Python program and takes its time on a small machine. */
const PERIOD = 5
const LIST_TIMEOUT = 20
const ACTION_TIMEOUT = 60

const CONTROL = 'supervisorctl'
/** `supervisorctl status` ends so where all run, and where some do not; with other codes it could not ask. */
const STATUS_CODES: readonly (number | null)[] = [0, 3]
const PROGRAM_LINE = /^(\S+)\s+([A-Z]+)\b(?:\s+pid (\d+))?/
/** What is so already is no failure. */
const ALREADY = /ERROR \((already started|not running)\)/
const FAILED = /ERROR \((.*)\)/

/** supervisord's states in systemd's words. */
const ACTIVE_STATES: Readonly<Record<string, string>> = {
  running: 'active',
  starting: 'activating',
  backoff: 'activating',
  stopping: 'deactivating',
  fatal: 'failed',
}

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
    const state = { active_state: ACTIVE_STATES[sub_state] ?? 'inactive', sub_state }
    programs.set(name, { state, pid: pid === undefined ? null : Number(pid) })
  }
  return programs
}

export class SupervisordCli implements Provider {
  readonly name = 'supervisord_cli'
  readonly #parts: ProviderParts
  readonly #polled: PolledStates
  #known: ReadonlyMap<string, Program> = new Map()

  constructor(parts: ProviderParts) {
    this.#parts = parts
    const { clock, log } = parts.core
    const { report } = parts
    this.#polled = new PolledStates({ clock, log, period: PERIOD, ask: () => this.#ask(), report })
  }

  #arguments(args: readonly string[]): string[] {
    const { supervisordConfig } = this.#parts
    return supervisordConfig === null ? [...args] : ['-c', supervisordConfig, ...args]
  }

  #run(args: readonly string[], options: CommandOptions) {
    return runCommand(CONTROL, this.#arguments(args), options)
  }

  async #programs(): Promise<ReadonlyMap<string, Program>> {
    const { code, stdout, stderr } = await this.#run(['status'], {
      timeoutSeconds: LIST_TIMEOUT,
      signal: this.#parts.signal,
    })
    if (STATUS_CODES.includes(code)) {
      this.#known = readPrograms(stdout)
      return this.#known
    }
    throw new Error((stderr.trim() || stdout.trim()).split('\n')[0] || `supervisorctl ended with ${code}`)
  }

  async open(): Promise<ServiceStates> {
    const states = await this.#ask()
    this.#polled.start()
    return states
  }

  list(): Promise<ServiceStates> {
    return this.#ask()
  }

  async #ask(): Promise<ServiceStates> {
    const allowed = [...(await this.#programs())].filter(([name]) => this.#parts.allowed.includes(name))
    return new Map(allowed.map(([name, { state }]) => [name, state]))
  }

  async act(action: ServiceAction, service: string): Promise<void> {
    const { code, stdout, stderr } = await this.#run([action, service], { timeoutSeconds: ACTION_TIMEOUT })
    await this.#polled.refresh()
    const said = stdout.replace(ALREADY, '')
    const failed = FAILED.exec(said)
    if (failed === null && (code === 0 || said !== stdout)) return
    const why = failed?.[1] ?? (stderr.trim() || stdout.trim() || `supervisorctl ended with ${code}`)
    throw new ApiError(500, `Service '${service}' could not be ${DONE[action]}: ${why}`)
  }

  /** supervisorctl stops the program and starts it again itself: it has to outlive us, and what it prints has no reader. */
  async restartOwn(service: string): Promise<void> {
    const { spawn } = await import('node:child_process')
    const child = spawn(CONTROL, this.#arguments(['restart', service]), { detached: true, stdio: 'ignore' })
    child.unref()
    await once(child, 'exit')
    if (child.exitCode !== 0) throw new Error(`supervisorctl ended with ${child.exitCode}`)
  }

  power(action: PowerAction): Promise<void> {
    return powerByCommand(this.#parts.sudo, action, this.#parts.shutdownAction)
  }

  async unitOf(pid: number): Promise<string | null> {
    return nameOf(this.#known, pid) ?? nameOf(await this.#programs(), pid)
  }

  stop(): void {
    this.#polled.stop()
  }
}

function nameOf(programs: ReadonlyMap<string, Program>, pid: number): string | null {
  for (const [name, program] of programs) if (program.pid === pid) return name
  return null
}
