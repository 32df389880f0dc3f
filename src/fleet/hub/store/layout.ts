// The buckets and the stream of the fleet in the engine: created where they are missing.
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { BUCKETS, type Bucket, type BucketName, EVENTS_STREAM } from '../../contract/index.ts'

const NANOSECONDS = 1e9
/** Gives each event to one of the hubs, in their order. */
export const EVENTS_CONSUMER = 'fleet_hubs'

/** The engine as the hub uses it. */
export interface Layout {
  readonly jetstream: JetStreamClient
  readonly manager: JetStreamManager
  readonly buckets: Readonly<Record<BucketName, KV>>
}

/**
 * Opens the buckets and the stream. Those in memory are gone after a restart of a single engine: `ensureLayout` creates
 * them again. Rejects with an error of the library.
 */
export async function ensureLayout(connection: NatsConnection): Promise<Layout> {
  const manager = await jetstreamManager(connection)
  // The names of streams and consumers are those of one account. A single engine keeps one copy of everything.
  const inCluster = connection.info?.cluster !== undefined
  const kvm = new Kvm(connection)
  const opened: Partial<Record<BucketName, KV>> = {}
  for (const name of Object.keys(BUCKETS) as BucketName[]) {
    opened[name] = await openBucket(kvm, manager, name, inCluster)
  }
  await ensureEvents(manager, inCluster)
  return {
    jetstream: jetstream(connection),
    manager,
    buckets: opened as Record<BucketName, KV>,
  }
}

async function openBucket(
  kvm: Kvm,
  manager: JetStreamManager,
  name: BucketName,
  inCluster: boolean,
): Promise<KV> {
  const { storage, history, maxValueSize, ttl, replicas, ofPrinters }: Bucket = BUCKETS[name]
  if (await exists(manager, `KV_${name}`)) {
    if (ofPrinters) await refuseRollups(manager, `KV_${name}`)
    return kvm.open(name, { allow_direct: true })
  }
  const bucket = await kvm.create(name, {
    storage: storage === 'memory' ? StorageType.Memory : StorageType.File,
    history,
    replicas: inCluster ? replicas : 1,
    allow_direct: true,
    ...(maxValueSize !== undefined && { maxValueSize }),
    ...(ttl !== undefined && { ttl: ttl * 1000 }),
  })
  if (ofPrinters) await refuseRollups(manager, `KV_${name}`)
  return bucket
}

/**
 * Without this, a printer that may write one key could delete all others: the header `Nats-Rollup: all` of its message
 * does. The library creates buckets with rollups, as it purges keys by them.
 */
async function refuseRollups(manager: JetStreamManager, stream: string): Promise<void> {
  const { config } = await manager.streams.info(stream)
  if (config.allow_rollup_hdrs) await manager.streams.update(stream, { ...config, allow_rollup_hdrs: false })
}

async function ensureEvents(manager: JetStreamManager, inCluster: boolean): Promise<void> {
  const { name, maxPerPrinter } = EVENTS_STREAM
  if (await exists(manager, name)) await limitEvents(manager, name, maxPerPrinter)
  else await addEvents(manager, inCluster)
  // Where it is there already, this changes nothing.
  await manager.consumers.add(name, {
    durable_name: EVENTS_CONSUMER,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  })
}

/** Earlier versions had no limit for each printer: one of them could push out the events of all others. */
async function limitEvents(manager: JetStreamManager, name: string, limit: number): Promise<void> {
  const { config } = await manager.streams.info(name)
  if (config.max_msgs_per_subject === limit) return
  await manager.streams.update(name, { ...config, max_msgs_per_subject: limit })
}

async function addEvents(manager: JetStreamManager, inCluster: boolean): Promise<void> {
  const { name, subjects, maxAge, maxBytes, maxPerPrinter, maxMessageSize, duplicateWindow, replicas } =
    EVENTS_STREAM
  await manager.streams.add({
    name,
    subjects: [subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    num_replicas: inCluster ? replicas : 1,
    max_age: maxAge * NANOSECONDS,
    max_bytes: maxBytes,
    max_msgs_per_subject: maxPerPrinter,
    max_msg_size: maxMessageSize,
    duplicate_window: duplicateWindow * NANOSECONDS,
    allow_direct: true,
  })
}

async function exists(manager: JetStreamManager, stream: string): Promise<boolean> {
  try {
    await manager.streams.info(stream)
    return true
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return false
    throw error
  }
}
