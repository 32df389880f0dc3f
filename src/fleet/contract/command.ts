// Commands to a printer and their replies: request and reply, stored nowhere.
import { ROLES, type Role } from '../../api/endpoint.ts'
import { bool, choice, type Infer, int, json, object, record, string } from '../../schema/index.ts'
import { ulidField } from './message.ts'

/** What a command needs. `acts`: it changes something, so that a repeated id must not run it again. */
interface CommandRule {
  readonly role: Role
  readonly acts: boolean
}

/** The commands: what `do` may be. */
export const COMMANDS = {
  pause: { role: 'operator', acts: true },
  resume: { role: 'operator', acts: true },
  cancel: { role: 'operator', acts: true },
  emergency_stop: { role: 'operator', acts: true },
  firmware_restart: { role: 'operator', acts: true },
  host_restart: { role: 'operator', acts: true },
  /** The plate is empty; accepted where the printer has `plate_clear: fleet`. */
  plate_clear: { role: 'operator', acts: true },
  /** `args.on`: the printer takes no jobs while true. */
  maintenance: { role: 'operator', acts: true },
  /** `args.seconds`: sends Live messages for this time, at most 300. */
  watch: { role: 'viewer', acts: false },
  /** Writes the state at once; the result is the state. */
  announce: { role: 'viewer', acts: false },
  /** `args.method`, `args.params`: any API method, where the printer has `allow_calls`. The method has its own role. */
  call: { role: 'viewer', acts: true },
} as const satisfies Readonly<Record<string, CommandRule>>

export type CommandName = keyof typeof COMMANDS

export const commandSchema = object({
  id: ulidField(),
  do: string().describe(Object.keys(COMMANDS).join(', ')),
  args: record(json()).default({}),
  as: object({ user: string(), role: choice(...ROLES) }).describe('The printer may limit the role'),
  issued: int().describe('UTC').unit('ms'),
  expires: int().describe('UTC').unit('ms'),
  if: object({ job: string().nullable().optional(), boot: string().optional() })
    .describe('What must be true for the printer: the job that it prints, the run of its server')
    .default({}),
})

export type Command = Infer<typeof commandSchema>

export const replySchema = object({
  id: string(),
  ok: bool(),
  result: json().optional(),
  accepted: bool().describe('It takes longer; the event command.done has the result').optional(),
  error: object({ code: int(), message: string() }).optional(),
})

export type Reply = Infer<typeof replySchema>

/** Seconds after which a printer replies `accepted`. */
export const ACCEPT_SECONDS = 5
/** Seconds that a command may be valid. */
export const MAX_VALID_SECONDS = 60
/** Seconds by which the clocks of hub and printer may differ. */
const CLOCK_SECONDS = 60

/** Why a command comes too late or its time means nothing; null if it may run. `now` in milliseconds, UTC. */
export function expiryProblem(
  command: Pick<Command, 'do' | 'issued' | 'expires'>,
  now: number,
): string | null {
  if (command.do === 'emergency_stop') return null
  const difference = Math.round((command.issued - now) / 1000)
  // A command of the past has expired; one of the future was sent by a clock that is ahead.
  if (difference > CLOCK_SECONDS) return `the clock of the hub is ${difference} s ahead of the printer's`
  if (command.expires > command.issued + MAX_VALID_SECONDS * 1000) {
    return `a command may be valid for ${MAX_VALID_SECONDS} s`
  }
  if (now < command.expires) return null
  const late = Math.round((now - command.expires) / 1000)
  return `the command expired ${late} s ago, by the clock of the printer`
}

/** A message to all printers. */
export const broadcastSchema = object({
  do: string().describe('announce: all write their state, spread over 30 s'),
  epoch: string().describe("The random id of the engine's data").optional(),
})

/** Seconds over which printers spread their replies to a broadcast. */
export const ANNOUNCE_SECONDS = 30

/** Status of Klipper's objects while a person looks at the printer, at most 4 times a second. */
export const liveSchema = object({
  boot: string(),
  seq: int({ min: 0 }),
  t: int().describe('UTC').unit('ms'),
  status: record(record(json())).describe('The status fields that changed; all of them in the first message'),
})

export type Live = Infer<typeof liveSchema>

/** Seconds between Live messages. */
export const LIVE_SECONDS = 0.25
/** The longest time that one `watch` lasts. */
export const MAX_WATCH_SECONDS = 300
