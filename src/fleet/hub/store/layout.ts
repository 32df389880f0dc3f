// The buckets and the stream of the fleet in the engine: created where they are missing.
import { isDeepStrictEqual } from 'node:util'
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
  type StreamConfig,
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
  const stream = `KV_${name}`
  const isThere = await exists(manager, stream)
  const bucket = isThere
    ? await kvm.open(name, { allow_direct: true })
    : await kvm.create(name, {
        storage: storage === 'memory' ? StorageType.Memory : StorageType.File,
        history,
        replicas: inCluster ? replicas : 1,
        allow_direct: true,
        ...(maxValueSize !== undefined && { maxValueSize }),
        ...(ttl !== undefined && { ttl: ttl * 1000 }),
      })
  // A printer that may write one key could delete all others by the header `Nats-Rollup: all`. The library creates buckets
  // with rollups, as it purges keys by them.
  if (ofPrinters) await configure(manager, stream, { allow_rollup_hdrs: false })
  return bucket
}

/** Changes settings of a stream, if they differ. */
async function configure(
  manager: JetStreamManager,
  stream: string,
  wanted: Partial<StreamConfig>,
): Promise<void> {
  const { config } = await manager.streams.info(stream)
  const merged = { ...config, ...wanted }
  if (!isDeepStrictEqual(merged, config)) await manager.streams.update(stream, merged)
}

async function ensureEvents(manager: JetStreamManager, inCluster: boolean): Promise<void> {
  const { name, maxPerPrinter } = EVENTS_STREAM
  // A stream of an earlier version has no limit for each printer: one of them could push out the events of all others.
  if (await exists(manager, name)) await configure(manager, name, { max_msgs_per_subject: maxPerPrinter })
  else await addEvents(manager, inCluster)
  // Where it is there already, this changes nothing.
  await manager.consumers.add(name, {
    durable_name: EVENTS_CONSUMER,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  })
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
