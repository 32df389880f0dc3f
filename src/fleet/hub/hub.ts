// A hub of the fleet: the API in front of the engine, and the scheduler. It keeps nothing but files: all else is in the
// engine.
import { randomUUID } from 'node:crypto'
import type { NatsConnection } from '@nats-io/transport-node'
import { type Clock, sleep, type Timer } from '../../core/clock.ts'
import { messageOf, StartError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { Scope } from '../../core/scope.ts'
import { StopStack } from '../../core/stop-stack.ts'
import { Warnings } from '../../core/warnings.ts'
import { Connections } from '../../rpc/connections.ts'
import { Registry, type RegistryOptions } from '../../rpc/registry.ts'
import { serveHubAccess } from './access/index.ts'
import { Commands } from './commands.ts'
import type { LocalEngine } from './engine/local.ts'
import { Enrolments, REVOKED } from './enrolment.ts'
import { EventLog } from './events.ts'
import { Blobs } from './files/blobs.ts'
import { serveFiles } from './files/serve.ts'
import { signedUrl } from './files/signed-urls.ts'
import { Orders } from './jobs/orders.ts'
import { type Listening, listen } from './listen.ts'
import { serveLive } from './live.ts'
import { serveMonitoring } from './metrics.ts'
import { servePage } from './page.ts'
import { Bookings } from './scheduler/bookings.ts'
import { ExtraCopies } from './scheduler/extra-copies.ts'
import { type Leadership, Lease } from './scheduler/lease.ts'
import { Matching } from './scheduler/matching.ts'
import { Offers } from './scheduler/offers.ts'
import { Scheduler } from './scheduler/scheduler.ts'
import { serveFleet } from './serve.ts'
import { readSigner, storeSigner } from './store/meta.ts'
import { Store } from './store/store.ts'

/** Seconds within which all buckets must have been read at the start. */
const LOAD_SECONDS = 60
const POLL_SECONDS = 0.02
/** Seconds between deletions of old codes and of uploads that did not end. */
const TIDY_SECONDS = 600
/** Seconds without a printer's state, after which its job is held. */
const LOST_AFTER = 86_400
const MAX_FILE_BYTES = 1024 ** 3

/** How a hub is set up. */
export interface HubOptions {
  readonly connection: NatsConnection
  /** The engine, if this hub runs it. */
  readonly engine: LocalEngine | null
  /** The folder of G-code files. */
  readonly blobs: string
  /** Bytes that they may take together. */
  readonly maxFilesBytes: number
  /** An address, or `all`. */
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  readonly certificate: string
  readonly key: string
  /** The CA certificate of hub and engine, in PEM; null without TLS. */
  readonly ca: string | null
  /** The addresses under which printers reach the hub and the engine; for the hub's, its port by default. */
  readonly hubUrl: string | null
  readonly engineUrls: readonly string[]
  /** Addresses of proxies in front of the hub. */
  readonly proxies: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Replaces the lease, so that tests can have hubs that all schedule. */
  readonly lease?: Leadership
  readonly lostAfter?: number
  readonly observe?: RegistryOptions['observe']
}

/** A running hub. */
export interface Hub extends Listening {
  readonly store: Store
  /** The first user with its password, at the first start of the fleet; else null. */
  readonly firstUser: { readonly username: string; readonly password: string } | null
  /** A code for one printer. Rejects with ApiError 503. */
  createCode(): Promise<string>
  stop(): Promise<void>
}

/** Starts a hub. Rejects with StartError, with nothing left running, if it cannot start. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const scope = new Scope()
  const stops = new StopStack(options.log)
  stops.add('what the hub serves', () => scope.close())
  try {
    return await start(options, scope, stops)
  } catch (error) {
    await stops.run()
    throw error
  }
}

async function start(options: HubOptions, scope: Scope, stops: StopStack): Promise<Hub> {
  const { connection, clock, log, engine } = options
  const store = await Store.open({ connection, clock, log })
  stops.add('what follows the engine', () => store.stop())
  if (engine !== null) await storeSigner(store.layout.buckets.fleet_meta, engine.signer)
  await store.start()
  await loaded(store, clock)

  const { observe } = options
  const registry = new Registry({
    onError: (method, error) => log.error(`${method} failed`, error),
    ...(observe !== undefined && { observe }),
  })
  const connections = new Connections()
  const access = serveHubAccess({
    core: { registry, connections, clock },
    scope,
    log,
    stored: store.access,
    proxies: options.proxies,
  })
  const warnings = new Warnings(text => log.warning(text))
  // Its port may be any free one, which is known only when it listens.
  let hubUrl = options.hubUrl ?? ''
  const enrolments = serveAll({ options, scope, store, registry, hubUrl: () => hubUrl, stops })
  const listening = await listen(
    { ...options, registry, connections, policy: access.policy, warnings },
    stops,
  )
  hubUrl = options.hubUrl ?? listening.url
  return {
    ...listening,
    store,
    firstUser: await access.createFirstUser(),
    createCode: async () => (await enrolments.createCode({ site: '', labels: {} }, null)).code,
    stop: () => stops.run(),
  }
}

interface ServeAllParts {
  readonly options: HubOptions
  readonly scope: Scope
  readonly store: Store
  readonly registry: Registry
  readonly hubUrl: () => string
  readonly stops: StopStack
}

function serveAll({ options, scope, store, registry, hubUrl, stops }: ServeAllParts): Enrolments {
  const { connection, clock, log } = options
  const { board, directory, slots } = store
  const epoch = () => store.epoch
  const blobs = new Blobs({
    folder: options.blobs,
    maxFileBytes: MAX_FILE_BYTES,
    maxBytes: options.maxFilesBytes,
    needed: () => board.files(),
  })
  const commands = new Commands(connection)
  const bookings = new Bookings(board)
  const fileUrl = ({ sha256 }: { readonly sha256: string }) => signedUrl(hubUrl(), sha256, store.urlKey)
  const offers = new Offers({ board, slots, bookings, epoch, fileUrl })
  const orders = new Orders({ board, slots, offers, commands, useFile: hash => blobs.use(hash), log })
  const enrolments = new Enrolments({
    meta: store.layout.buckets.fleet_meta,
    records: store.records,
    directory,
    signer: () => readSigner(store.layout.buckets.fleet_meta),
    epoch,
    hubUrl,
    engineUrls: options.engineUrls,
    ca: options.ca,
  })
  const lease =
    options.lease ?? new Lease({ bucket: store.lease, hub: randomUUID(), clock, log: log.child('scheduler') })
  const scheduler = new Scheduler({
    board,
    directory,
    offers,
    bookings,
    matching: new Matching({ board, directory, clock, epoch }),
    lease,
    ready: () => store.ready,
    lostAfter: options.lostAfter ?? LOST_AFTER,
    clock,
    log: log.child('scheduler'),
  })
  scope.use(serveFleet({ registry, store, commands, enrolments, orders, events: new EventLog(store.layout) }))
  serveFiles(scope, { registry, blobs, urlKey: () => store.urlKey })
  serveMonitoring(scope, { registry, store, commands, lease })
  scope.use(servePage(registry))
  serveLive(scope, { registry, store, commands, connection, clock })
  const extraCopies = new ExtraCopies({
    layout: store.layout,
    board,
    slots,
    clock,
    log: log.child('scheduler'),
  })
  lease.start()
  scheduler.start()
  void extraCopies.start()
  stops.add('the extra copies', () => extraCopies.stop())
  stops.add('the lease', () => lease.stop())
  stops.add('the scheduler', () => scheduler.stop())
  const tidy: Timer = clock.every(TIDY_SECONDS, () => {
    void Promise.all([enrolments.purgeCodes(), blobs.removeStale()]).catch(error =>
      log.debug(`old codes and uploads remain: ${messageOf(error)}`),
    )
  })
  stops.add('the tidying', () => tidy.stop())
  if (options.engine !== null) followRevocations(options.engine, enrolments, options, stops)
  return enrolments
}

/** The hub that runs the engine refuses the credentials that any hub has revoked. */
function followRevocations(
  engine: LocalEngine,
  enrolments: Enrolments,
  { clock, log, connection }: HubOptions,
  stops: StopStack,
): void {
  const apply = async (): Promise<void> => {
    try {
      await engine.revoke(await enrolments.revocations())
    } catch (error) {
      if (connection.isClosed()) return
      log.warning(`revoked credentials are still valid: ${messageOf(error)}`)
      clock.after(1, () => void apply())
    }
  }
  const subscription = connection.subscribe(`$KV.fleet_meta.${REVOKED}>`, { callback: () => void apply() })
  stops.add('the revocations', () => subscription.unsubscribe())
  void apply()
}

async function loaded(store: Store, clock: Clock): Promise<void> {
  const until = clock.monotonic() + LOAD_SECONDS
  while (!store.ready) {
    if (clock.monotonic() > until) throw new StartError("the engine's data cannot be read within a minute")
    await sleep(clock, POLL_SECONDS)
  }
}
