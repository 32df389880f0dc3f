// Runs programs as root: with sudo, and its password if it requires one; keeps the actions that wait for the password.
import { userInfo } from 'node:os'
import type { Clock } from '../../../core/clock.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import {
  CommandError,
  type CommandOptions,
  type CommandResult,
  runCommand,
} from '../../../core/run-command.ts'
import type { Registration } from '../../../core/scope.ts'
import { SerialQueue } from '../../../core/serial-queue.ts'
import { singleFlight } from '../../../core/single-flight.ts'

/** What a request has led to. */
export interface SudoOutcome {
  /** For the person who gave the password. */
  readonly message: string
  /** The server's own service has to restart for it. */
  readonly restart: boolean
}

/** Something that needs root and waits for the password. */
export interface SudoRequest {
  /** For the person who types the password. */
  readonly message: string
  /** Called when there is a password. If it rejects, the action waits for another one. */
  perform(): Promise<SudoOutcome>
}

/** The result of a password. */
export interface PasswordOutcome {
  readonly messages: readonly string[]
  readonly restart: boolean
}

/** sudo needs a password, and has no terminal to read it from. */
const WANTS_PASSWORD =
  /^sudo: (a password is required|a terminal is required|no tty present|interactive auth)/m
/** sudo's own words where it does not run the program; sudo 1.8 to 1.9. */
const REFUSED =
  /^(sudo: .*|Sorry, (?:try again|user ).*|.* is not (?:in the sudoers file|allowed to run sudo).*)$/m

/** sudo reads no more, in bytes. */
const MAX_PASSWORD = 255
/** Seconds for a program that does nothing; sudo takes two over a wrong password. */
const CHECK_SECONDS = 20
/** Wrong passwords that are tried; the system may lock the user out after some. */
const MAX_WRONG = 10
/** Seconds after the last of them until they are forgotten. */
const MEMORY = 900

/** What it depends on. */
export interface SudoOptions {
  /** Whether this server is root itself. */
  readonly isRoot: boolean
  readonly clock: Clock
  /** Aborted when the server stops: programs are ended then. */
  readonly signal: AbortSignal
  /** Called when an action starts or stops to wait. */
  readonly onChange: () => void
}

export class Sudo {
  readonly user = userName()
  #password: string | null = null
  #requests: SudoRequest[] = []
  readonly #passwords = new SerialQueue()
  /** Those that are being tried count as wrong: many at once gain nothing. */
  #wrong = 0
  /** On the monotonic clock. */
  #forgottenAt = 0
  readonly #options: SudoOptions

  constructor(options: SudoOptions) {
    this.#options = options
  }

  /** The actions that wait for a password, as texts for users. */
  get waiting(): string[] {
    return this.#requests.map(({ message }) => message)
  }

  /**
   * The password of the configuration; it is not tried out, and does not replace one that was. Throws ApiError 400 for
   * what cannot be one.
   */
  usePassword(password: string): void {
    demandLine(password)
    this.#password ??= password
  }

  /**
   * Runs a program as root, whatever its exit code. Rejects with ApiError 503 where this user may not, and with
   * CommandError where the program cannot be run.
   */
  async run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
    const { isRoot, signal } = this.#options
    if (isRoot) return runCommand(program, args, { signal, ...options })
    return this.#run(this.#password, program, args, { signal, ...options })
  }

  async #run(
    password: string | null,
    program: string,
    args: readonly string[],
    options: CommandOptions,
  ): Promise<CommandResult> {
    const result = await runCommand('sudo', ['-n', '--', program, ...args], options)
    if (result.code === 0 || !WANTS_PASSWORD.test(result.stderr)) return this.#ran(result)
    if (password === null) throw this.#refused('sudo wants a password')
    // -k: a password that is given is always read, so that none is left over for the program to read.
    const withPassword = ['-S', '-k', '-p', '', '--', program, ...args]
    return this.#ran(await runCommand('sudo', withPassword, { ...options, input: `${password}\n` }))
  }

  #ran(result: CommandResult): CommandResult {
    const refused = REFUSED.exec(result.stderr)
    if (result.code === 0 || refused === null) return result
    if (refused[0].endsWith('command not found')) throw new CommandError(refused[0])
    throw this.#refused(refused[0])
  }

  #refused(why: string): ApiError {
    return new ApiError(
      503,
      `The user ${this.user} may not act as root (${why}): give the password with machine.sudo.password or as ` +
        'sudo_password in [machine], or a rule in sudoers',
    )
  }

  /** Tries whether programs can be run as root. */
  readonly checkAccess = singleFlight(async () => {
    try {
      return (await this.run('true', [], { timeoutSeconds: CHECK_SECONDS })).code === 0
    } catch {
      return false
    }
  })

  /** Waits for a password for another component; clients are notified. Removing it ends the wait. */
  request(request: SudoRequest): Registration {
    this.#requests.push(request)
    this.#options.onChange()
    return {
      remove: () => {
        if (this.#remove(request)) this.#options.onChange()
      },
    }
  }

  #remove(request: SudoRequest): boolean {
    const left = this.#requests.filter(each => each !== request)
    const isGone = left.length < this.#requests.length
    this.#requests = left
    return isGone
  }

  /**
   * Takes a new password and does what waits for it. Rejects with ApiError: 400 for a wrong one, which changes nothing;
   * 429 after too many of them; 503 where sudo cannot try it; 500 where something that waited has failed.
   */
  async setPassword(password: string): Promise<PasswordOutcome> {
    demandLine(password)
    this.#startAttempt()
    return this.#passwords.run(async () => {
      if (!(await this.#isRight(password)))
        throw new ApiError(400, 'Invalid password, sudo access was denied')
      this.#wrong = 0
      this.#password = password
      return this.#performAll()
    })
  }

  #startAttempt(): void {
    const now = this.#options.clock.monotonic()
    if (now >= this.#forgottenAt) this.#wrong = 0
    if (this.#wrong >= MAX_WRONG) {
      const minutes = Math.ceil((this.#forgottenAt - now) / 60)
      throw new ApiError(429, `Too many wrong passwords, try again in ${minutes} minutes`)
    }
    this.#wrong += 1
    this.#forgottenAt = now + MEMORY
  }

  async #isRight(password: string): Promise<boolean> {
    const { isRoot, signal } = this.#options
    if (isRoot) return true
    try {
      const options = { timeoutSeconds: CHECK_SECONDS, signal }
      return (await this.#run(password, 'true', [], options)).code === 0
    } catch (error) {
      if (error instanceof ApiError) return false
      this.#wrong = Math.max(0, this.#wrong - 1)
      throw new ApiError(503, `The password cannot be tried: ${messageOf(error)}`, { cause: error })
    }
  }

  async #performAll(): Promise<PasswordOutcome> {
    const messages = ['Sudo password successfully set.']
    const problems: string[] = []
    let restart = false
    for (const request of this.#requests) {
      // It may have been given up while another was performed.
      if (!this.#requests.includes(request)) continue
      try {
        const outcome = await request.perform()
        this.#remove(request)
        messages.push(outcome.message)
        restart ||= outcome.restart
      } catch (error) {
        problems.push(messageOf(error))
      }
    }
    if (messages.length > 1) this.#options.onChange()
    if (problems.length > 0) throw new ApiError(500, problems.join('\n'))
    return { messages, restart }
  }
}

/** sudo reads one line, and a C string ends at a NUL. */
function demandLine(password: string): void {
  if (/[\n\0]/.test(password) || Buffer.byteLength(password) > MAX_PASSWORD) {
    throw new ApiError(400, `A password is one line of at most ${MAX_PASSWORD} bytes`)
  }
}

/** The name of the user whose server this is; its number where it has none. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.geteuid?.() ?? '')
  }
}
