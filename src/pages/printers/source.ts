// Where the page's printers come from: a workshop, or a hub of many machines. The page knows no other difference.

/** What a printer is doing, in the order in which the page counts them. */
export const STATES = [
  'printing',
  'paused',
  'complete',
  'cancelled',
  'failed',
  'ready',
  'startup',
  'error',
  'shutdown',
  'offline',
] as const
export type State = (typeof STATES)[number]

/** One printer. */
export interface Row {
  /** Never shown; unique. */
  readonly id: string
  readonly name: string
  readonly state: State
  /** For people: what is wrong. */
  readonly problem: string | null
  /** `progress` is 0 to 1. */
  readonly print: { readonly filename: string; readonly progress: number } | null
  /** The address of the printer's own page. */
  readonly link: string
  /** Whether `picture` has one. */
  readonly camera: boolean
  /** Whether `command` reaches it. */
  readonly canCommand: boolean
}

/** What a person may order from the page. */
export type Command = 'pause' | 'resume' | 'cancel' | 'emergency_stop'

/** Rows that are new or different, and the ids of those that are gone. */
export interface Change {
  readonly changed: readonly Row[]
  readonly removed: readonly string[]
}

/** What a follower receives. */
export interface FollowListener {
  changed(change: Change): void
  /** Everything again, after a lost connection. */
  replaced(rows: readonly Row[]): void
  /** Whether changes arrive. */
  connected(isConnected: boolean): void
}

/** A running subscription. */
export interface Following {
  /** Names the rows on the screen: a source of many may send changes of these alone. */
  show(ids: readonly string[]): void
  close(): void
}

/** A request that needs a login. `place` is for `logIn`. */
export class LoginNeeded extends Error {
  override readonly name = 'LoginNeeded'
  readonly place: string

  constructor(place: string, message: string) {
    super(message)
    this.place = place
  }
}

/** The printers of the page. Each method rejects with LoginNeeded, or with an Error whose message is for people. */
export interface FleetSource {
  printers(): Promise<readonly Row[]>
  follow(listener: FollowListener): Following
  command(id: string, command: Command): Promise<void>
  /** A picture of the printer's camera; null if it has no picture now. */
  picture(id: string): Promise<Blob | null>
  logIn(place: string, username: string, password: string): Promise<void>
}
