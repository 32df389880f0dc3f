// The names of the fleet in the engine (NATS with JetStream): subjects, buckets and streams, with their limits.

/** The major version of subjects and messages. A new one is a further subject token next to this one. */
export const VERSION = 1

/** The id of a printer: the instance id of its data folder. */
export const PRINTER_ID = /^[0-9a-f]{32}$/

/** The bytes that a state, a slot or the record of a printer may have. */
export const MAX_VALUE_BYTES = 8 * 1024
/** The bytes that an event, a command or a reply may have. */
export const MAX_MESSAGE_BYTES = 64 * 1024

const DAY = 24 * 3600
const GIB = 1024 ** 3

/** A key-value bucket. The engine keeps three copies of it in a cluster, except where `replicas` is 1. */
export interface Bucket {
  readonly storage: 'file' | 'memory'
  /** Values that are kept for each key. */
  readonly history: number
  /** Bytes of a value. */
  readonly maxValueSize?: number
  /** Seconds after which a value expires. */
  readonly ttl?: number
  readonly replicas: 1 | 3
  /** Whether printers write their own keys. */
  readonly ofPrinters?: true
}

/** The buckets. Keys are printer ids and job ids, of `fleet_lease` LEASE_KEY; those of `fleet_meta` and `fleet_users` are the hubs' own. */
export const BUCKETS = {
  fleet_meta: { storage: 'file', history: 1, replicas: 3 },
  fleet_printers: { storage: 'file', history: 1, maxValueSize: MAX_VALUE_BYTES, replicas: 3 },
  fleet_state: {
    storage: 'memory',
    history: 1,
    maxValueSize: MAX_VALUE_BYTES,
    replicas: 1,
    ofPrinters: true,
  },
  fleet_slots: { storage: 'file', history: 8, maxValueSize: MAX_VALUE_BYTES, replicas: 3, ofPrinters: true },
  fleet_jobs: { storage: 'file', history: 8, maxValueSize: MAX_VALUE_BYTES, replicas: 3 },
  fleet_users: { storage: 'file', history: 1, replicas: 3 },
  fleet_lease: { storage: 'memory', history: 1, ttl: 10, replicas: 3 },
} as const satisfies Readonly<Record<string, Bucket>>

export type BucketName = keyof typeof BUCKETS

/** The key of `fleet_lease`. */
export const LEASE_KEY = 'scheduler'

/** The stream of events. Times in seconds; the oldest events are dropped first, and of each printer those above its limit. */
export const EVENTS_STREAM = {
  name: 'FLEET_EVENTS',
  subjects: 'fleet.v1.ev.*',
  maxAge: 30 * DAY,
  maxBytes: 10 * GIB,
  maxPerPrinter: 20_000,
  maxMessageSize: MAX_MESSAGE_BYTES,
  duplicateWindow: 600,
  replicas: 3,
} as const

/** Seconds that a finished job is kept. */
export const FINISHED_JOB_SECONDS = 30 * DAY

/** Subjects. `id` is the id of a printer. */
export const subjects = {
  /** Requests to a printer: Command, answered by Reply. Not stored. */
  commands: (id: string) => `fleet.v1.cmd.${id}`,
  /** Events of a printer, stored by EVENTS_STREAM. */
  events: (id: string) => `fleet.v1.ev.${id}`,
  /** Status of a printer while a person looks at it: Live. */
  live: (id: string) => `fleet.v1.live.${id}`,
  /** Messages to all printers: Broadcast. */
  all: 'fleet.v1.all',
  /** Replies to the requests of a printer are below it. */
  inbox: (id: string) => `_INBOX.${id}`,
  /** A key of a bucket: a message on this subject is a write. */
  key: (bucket: BucketName, key: string) => `$KV.${bucket}.${key}`,
  /** A request without content on this subject returns the newest value of a key, with its revision as a header. */
  directGet: (bucket: BucketName, key: string) => `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}.${key}`,
} as const

/** Headers of NATS that the fleet uses. */
export const HEADERS = {
  /** Of a write: the revision that it replaces, 0 if the key must not exist. */
  expectedRevision: 'Nats-Expected-Last-Subject-Sequence',
  /** Of a direct get's reply: the revision of the value. */
  revision: 'Nats-Sequence',
  /** Of an event: its id. The stream drops a second message with the same id. */
  messageId: 'Nats-Msg-Id',
  /** Of a stored value: DEL or PURGE when it marks that the key was deleted. */
  operation: 'KV-Operation',
} as const

/** The code of the engine's error when the expected revision is not the newest one. */
export const WRONG_REVISION = 10071
