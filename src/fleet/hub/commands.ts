// Commands to printers: one request through the engine, and the reply of the printer. What cannot be delivered fails.
import { type NatsConnection, NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node'
import { ROLES } from '../../api/endpoint.ts'
import { ApiError, messageOf as errorText } from '../../core/errors.ts'
import { demandRole, type User } from '../../rpc/user.ts'
import {
  COMMANDS,
  type Command,
  type CommandName,
  messageOf,
  readMessage,
  replySchema,
  subjects,
  ulid,
} from '../contract/index.ts'

/** Milliseconds for which a command is valid, and within which the printer must reply. */
const VALID_MILLISECONDS = 10_000

/** What a person wants a printer to do. */
export interface Wanted {
  readonly do: string
  readonly args: Record<string, unknown>
  /** Only while the printer prints this job. */
  readonly job?: string | undefined
}

/** What a printer answered. */
export interface Answered {
  readonly accepted: boolean
  readonly result: unknown
}

export class Commands {
  readonly #connection: NatsConnection
  /** Commands by `do` and outcome, for the metrics. */
  readonly counts = new Map<string, number>()

  constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  /**
   * Sends a command to the printer `id` for `user`. Rejects with ApiError: 400 for an unknown command, 401 and 403 without
   * the role, 502 for a reply that is none, 503 for a printer that is not connected, 504 without a reply in time, and as
   * the printer refuses.
   */
  async send(id: string, { do: name, args, job }: Wanted, user: User | null): Promise<Answered> {
    if (!Object.hasOwn(COMMANDS, name)) {
      throw new ApiError(400, `do: one of ${Object.keys(COMMANDS).join(', ')}`)
    }
    const known = name as CommandName
    demandRole({ user }, COMMANDS[known].role)
    const issued = Date.now()
    const command: Command = {
      id: ulid(issued),
      do: known,
      args,
      as: { user: user?.username ?? '', role: user?.role ?? ROLES[0] },
      issued,
      expires: issued + VALID_MILLISECONDS,
      if: job === undefined ? {} : { job },
    }
    try {
      const answer = await this.#request(id, command)
      this.#count(known, answer.accepted ? 'accepted' : 'done')
      return answer
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 500
      this.#count(known, status === 503 ? 'offline' : status === 504 ? 'timeout' : 'refused')
      throw error
    }
  }

  async #request(id: string, command: Command): Promise<Answered> {
    const options = { timeout: VALID_MILLISECONDS }
    const message = await this.#connection
      .request(subjects.commands(id), messageOf(command), options)
      .catch((error: unknown) => {
        throw undelivered(error)
      })
    const reading = readMessage(replySchema, message.data)
    if (reading.kind !== 'message' || reading.value.id !== command.id) {
      throw new ApiError(
        502,
        'The printer answered what this hub does not understand: update the older of the two',
      )
    }
    const { ok, result = null, accepted = false, error } = reading.value
    if (ok) return { accepted, result }
    throw new ApiError(statusOf(error?.code), error?.message ?? 'The printer refused the command')
  }

  #count(name: CommandName, outcome: string): void {
    const key = `${name} ${outcome}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }
}

/** A printer's error code as a status, if it is one of an error. */
function statusOf(code: number | undefined): number {
  return code !== undefined && code >= 400 && code <= 599 ? code : 502
}

function undelivered(error: unknown): ApiError {
  const isAbsent =
    error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())
  if (isAbsent) return new ApiError(503, 'The printer is not connected to the fleet')
  if (error instanceof TimeoutError) {
    return new ApiError(504, 'The printer did not reply in time; whether it ran the command is not known')
  }
  return new ApiError(503, `The engine of the fleet does not answer: ${errorText(error)}`)
}
