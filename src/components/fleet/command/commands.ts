// Commands of the fleet: checks whether each may run here and now, runs it once, and replies.
import type { Msg } from '@nats-io/transport-node'
import { ROLES, type Role } from '../../../api/endpoint.ts'
import type { Core } from '../../../component/component.ts'
import { sleep } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import {
  ACCEPT_SECONDS,
  COMMANDS,
  type Command,
  type CommandName,
  commandSchema,
  expiryProblem,
  messageOf,
  type Reply,
  readMessage,
} from '../../../fleet/contract/index.ts'
import type { FleetEvents } from '../events.ts'
import type { Facts } from '../facts.ts'
import type { Actions } from './actions.ts'
import type { Replies } from './replies.ts'

/** Commands that may run at the same time; an emergency stop runs always. */
const MAX_RUNNING = 16
/** Characters of a reply; a longer result is an error. */
const MAX_REPLY = 60_000

/** What commands work with. */
export interface CommandParts {
  readonly core: Core
  readonly facts: Facts
  readonly events: FleetEvents
  readonly replies: Replies
  readonly actions: Actions
  readonly boot: string
  /** The options of [fleet]. */
  readonly role: Role
  readonly allowCalls: boolean
}

export class Commands {
  readonly #parts: CommandParts
  readonly #running = new Set<string>()

  constructor(parts: CommandParts) {
    this.#parts = parts
  }

  /** Handles a message of the subject of commands. */
  receive(message: Msg): void {
    const reading = readMessage(commandSchema, message.data)
    if (reading.kind === 'message') void this.#handle(message, reading.value)
    else if (reading.kind === 'newer') {
      respond(message, failure('', 400, `this printer knows version 1 of commands, not ${reading.v}`))
    } else respond(message, failure('', 400, `not a command: ${reading.problem}`))
  }

  async #handle(message: Msg, command: Command): Promise<void> {
    try {
      const known = COMMANDS[command.do as CommandName]?.acts ? this.#repeated(command) : null
      if (known !== null) return respond(message, known)
      this.#check(command)
      await this.#run(message, command)
    } catch (error) {
      respond(message, this.#failure(command, error))
    }
  }

  /** The reply to a command that was received before; null for a new one. */
  #repeated({ id }: Command): Reply | null {
    if (this.#running.has(id)) return { id, ok: true, accepted: true }
    const known = this.#parts.replies.find(id)
    if (known === undefined) return null
    return (
      known.reply ?? failure(id, 500, 'The server stopped while it ran this command: its result is not known')
    )
  }

  /** Throws ApiError if the command must not run. */
  #check(command: Command): void {
    const { core, facts, boot, role, allowCalls } = this.#parts
    const rule = COMMANDS[command.do as CommandName]
    if (rule === undefined) throw new ApiError(404, `This printer does not know the command ${command.do}`)
    const late = expiryProblem(command, core.clock.now() * 1000)
    if (late !== null) throw new ApiError(410, late)
    if (rank(rule.role) > rank(command.as.role)) {
      throw new ApiError(403, `${command.do} needs the role '${rule.role}'`)
    }
    if (rank(rule.role) > rank(role)) {
      throw new ApiError(
        403,
        `${command.do} needs the role '${rule.role}', and this printer has role: ${role}`,
      )
    }
    if (command.do === 'call' && !allowCalls) throw new ApiError(403, 'This printer has allow_calls: False')
    const { job, boot: wantedBoot } = command.if
    if (wantedBoot !== undefined && wantedBoot !== boot) throw new ApiError(409, 'the server was restarted')
    if (job !== undefined && job !== (facts.held?.job ?? null)) {
      throw new ApiError(409, 'the job is another by now')
    }
  }

  async #run(message: Msg, command: Command): Promise<void> {
    const { replies } = this.#parts
    const { id } = command
    if (command.do === 'emergency_stop') {
      // Neither a full table nor a slow disk may delay it; a repetition does no harm.
      const done = this.#parts.actions.run(this.#limited(command))
      respond(message, { id, ok: true, result: await done })
      return
    }
    if (this.#running.size >= MAX_RUNNING) throw new ApiError(503, `${MAX_RUNNING} commands run already`)
    this.#running.add(id)
    try {
      const { acts } = COMMANDS[command.do as CommandName]
      if (acts) await replies.start(id)
      await this.#answer(message, command, acts)
    } finally {
      this.#running.delete(id)
    }
  }

  /** Replies with the result, or with `accepted` after some seconds; then an event has the result. */
  async #answer(message: Msg, command: Command, acts: boolean): Promise<void> {
    const { core, events, replies } = this.#parts
    const ended = this.#reply(command)
    const accepted: Reply = { id: command.id, ok: true, accepted: true }
    const first = await Promise.race([ended, sleep(core.clock, ACCEPT_SECONDS).then(() => accepted)])
    if (first === accepted) respond(message, accepted)
    const reply = await ended
    if (acts) await replies.end(reply)
    if (first === accepted) events.report('command.done', null, { ...reply })
    else respond(message, reply)
  }

  async #reply(command: Command): Promise<Reply> {
    try {
      const reply: Reply = {
        id: command.id,
        ok: true,
        result: await this.#parts.actions.run(this.#limited(command)),
      }
      if (JSON.stringify(reply).length <= MAX_REPLY) return reply
      return failure(command.id, 413, 'The result is too large for a reply')
    } catch (error) {
      return this.#failure(command, error)
    }
  }

  /** The command as a user that has at most the role of [fleet]. */
  #limited(command: Command): Command {
    const { role } = this.#parts
    const isMore = rank(command.as.role) > rank(role)
    return isMore ? { ...command, as: { ...command.as, role } } : command
  }

  #failure(command: Command, error: unknown): Reply {
    const { status, message } = this.#parts.core.registry.failure(error, `fleet: ${command.do}`)
    return failure(command.id, status, message)
  }
}

function failure(id: string, code: number, message: string): Reply {
  return { id, ok: false, error: { code, message } }
}

function respond(message: Msg, reply: Reply): void {
  try {
    message.respond(messageOf(reply))
  } catch {
    // The connection has ended: the caller gets no reply, and may repeat the command.
  }
}

function rank(role: Role): number {
  return ROLES.indexOf(role)
}
