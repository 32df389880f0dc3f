// Running programs as root: with sudo, with its password where it wants one, and what waits for that password.
import { userInfo } from 'node:os'
import { ApiError, messageOf } from '../../../core/errors.ts'
import {
  CommandError,
  type CommandOptions,
  type CommandResult,
  runCommand,
} from '../../../core/run-command.ts'
import type { Registration } from '../../../core/scope.ts'

/** What a request has led to. */
export interface SudoOutcome {
  /** For the person who gave the password. */
  readonly message: string
  /** The server's own service has to restart for it. */
  readonly restart: boolean
}

/** Something that needs root and waits for the password. */
export interface SudoRequest {
  /** For the person who is asked for the password. */
  readonly message: string
  /** Called when there is one. What rejects goes on waiting. */
  perform(): Promise<SudoOutcome>
}

/** What became of a password. */
export interface PasswordOutcome {
  readonly messages: readonly string[]
  readonly restart: boolean
}

/** sudo wants a password and cannot ask for it. */
const WANTS_PASSWORD =
  /^sudo: (a password is required|a terminal is required|no tty present|interactive auth)/m
/** sudo's own words where it does not run the program; sudo 1.8 to 1.9. */
const REFUSED =
  /^(sudo: .*|Sorry, (?:try again|user ).*|.* is not (?:in the sudoers file|allowed to run sudo).*)$/m

/** sudo reads no more. */
const MAX_PASSWORD = 255
/** Seconds for a program that does nothing; sudo takes two over a wrong password. */
const CHECK_SECONDS = 20

export class Sudo {
  readonly user = userName()
  #password: string | null = null
  #requests: SudoRequest[] = []
  #setting: Promise<unknown> = Promise.resolve()
  #checking: Promise<boolean> | null = null
  readonly #isRoot: boolean
  readonly #onChange: () => void

  /** `isRoot` is whether this server is root itself. `onChange` hears when something begins or ceases to wait. */
  constructor({ isRoot, onChange }: { readonly isRoot: boolean; readonly onChange: () => void }) {
    this.#isRoot = isRoot
    this.#onChange = onChange
  }

  /** What waits for a password, in words. */
  get waiting(): string[] {
    return this.#requests.map(({ message }) => message)
  }

  /** The password of the configuration; it is not tried out. */
  usePassword(password: string): void {
    this.#password = password
  }

  /**
   * Runs a program as root, whatever its exit code. Rejects with ApiError 503 where this user may not, and with
   * CommandError where the program cannot be run.
   */
  async run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
    if (this.#isRoot) return runCommand(program, args, options)
    return this.#run(this.#password, program, args, options)
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
    const asking = ['-S', '-k', '-p', '', '--', program, ...args]
    return this.#ran(await runCommand('sudo', asking, { ...options, input: `${password}\n` }))
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
  checkAccess(): Promise<boolean> {
    const check = async () => {
      try {
        return (await this.run('true', [], { timeoutSeconds: CHECK_SECONDS })).code === 0
      } catch {
        return false
      } finally {
        this.#checking = null
      }
    }
    this.#checking ??= check()
    return this.#checking
  }

  /** Waits for a password on somebody's behalf; clients are told. Removing it ends the wait. */
  request(request: SudoRequest): Registration {
    this.#requests.push(request)
    this.#onChange()
    return {
      remove: () => {
        if (!this.#requests.includes(request)) return
        this.#requests = this.#requests.filter(each => each !== request)
        this.#onChange()
      },
    }
  }

  /**
   * Takes a new password and does what waits for it. Rejects with ApiError: 400 for a wrong one, which changes nothing;
   * 500 where something that waited has failed.
   */
  setPassword(password: string): Promise<PasswordOutcome> {
    const set = async () => {
      // sudo reads one line, and a C string ends at a NUL.
      if (/[\n\0]/.test(password) || password.length > MAX_PASSWORD) {
        throw new ApiError(400, `A password is one line of at most ${MAX_PASSWORD} characters`)
      }
      if (!(await this.#isRight(password)))
        throw new ApiError(400, 'Invalid password, sudo access was denied')
      this.#password = password
      return this.#performAll()
    }
    const outcome = this.#setting.then(set, set)
    this.#setting = outcome
    return outcome
  }

  async #isRight(password: string): Promise<boolean> {
    if (this.#isRoot) return true
    try {
      return (await this.#run(password, 'true', [], { timeoutSeconds: CHECK_SECONDS })).code === 0
    } catch {
      return false
    }
  }

  async #performAll(): Promise<PasswordOutcome> {
    const messages = ['Sudo password successfully set.']
    const problems: string[] = []
    let restart = false
    for (const request of this.#requests) {
      try {
        const outcome = await request.perform()
        this.#requests = this.#requests.filter(each => each !== request)
        messages.push(outcome.message)
        restart ||= outcome.restart
      } catch (error) {
        problems.push(messageOf(error))
      }
    }
    if (messages.length > 1) this.#onChange()
    if (problems.length > 0) throw new ApiError(500, problems.join('\n'))
    return { messages, restart }
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
