// The methods of the chapter "Fleet".
import { type FleetJob, fleet } from '../../api/fleet.ts'
import { ApiError } from '../../core/errors.ts'
import type { Registration } from '../../core/scope.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { Registry } from '../../rpc/registry.ts'
import type { Commands } from './commands.ts'
import type { Enrolments } from './enrolment.ts'
import type { EventLog } from './events.ts'
import type { BoardJob, JobBoard } from './jobs/job-board.ts'
import type { Orders } from './jobs/orders.ts'
import { changePrinter } from './printers/change.ts'
import type { Directory, Member } from './printers/directory.ts'
import { pageOf, rowOf } from './printers/rows.ts'
import { summaryOf } from './printers/summary.ts'
import type { Store } from './store/store.ts'

/** What the methods need. */
export interface ServeParts {
  readonly registry: Registry
  readonly store: Store
  readonly commands: Commands
  readonly enrolments: Enrolments
  readonly orders: Orders
  readonly events: EventLog
}

/** Serves the chapter. */
export function serveFleet({
  registry,
  store,
  commands,
  enrolments,
  orders,
  events,
}: ServeParts): Registration {
  const { directory, board } = store
  const one = (job: BoardJob) => ({ job: shown(job) })
  return registry.serve(fleet, {
    'fleet.summary': () => summaryOf(store),
    'fleet.printers.list': params => pageOf(directory, params),
    'fleet.printers.get': ({ id }) => ({ printer: rowOf(directory, memberOf(directory, id)) }),
    'fleet.printers.change': async ({ id, ...changes }) => {
      await changePrinter(store, id, changes)
      return { printer: rowOf(directory, memberOf(directory, id)) }
    },
    'fleet.printers.remove': async ({ id }) => {
      await enrolments.remove(id)
      return { id }
    },
    'fleet.printers.command': ({ id, ...wanted }, { user }) =>
      commands.send(memberOf(directory, id).id, wanted, user),
    'fleet.codes.create': (settings, caller) => enrolments.createCode(settings, nameOf(caller)),
    'fleet.enrol': enrolment => enrolments.enrol(enrolment),
    'fleet.jobs.list': params => listJobs(board, params),
    'fleet.jobs.get': async ({ id }) => one(await orders.get(id)),
    'fleet.jobs.create': (order, caller) => orders.create(order, nameOf(caller)),
    'fleet.jobs.cancel': async ({ id }, { user }) => one(await orders.cancel(id, user)),
    'fleet.jobs.hold': async ({ id }) => one(await orders.hold(id)),
    'fleet.jobs.release': async ({ id }) => one(await orders.release(id)),
    'fleet.jobs.abandon': async ({ id }, caller) => one(await orders.abandon(id, nameOf(caller))),
    'fleet.events.list': params => events.list(params),
  })
}

function nameOf({ user }: Caller): string | null {
  return user?.username ?? null
}

/** A printer that has joined. Throws ApiError 404. */
export function memberOf(directory: Directory, id: string): Member {
  const printer = directory.get(id)
  if (printer === undefined) throw new ApiError(404, 'No printer with this id has joined the fleet')
  return printer
}

/** A job as clients see it. */
function shown({ id, value }: BoardJob): FleetJob {
  return { id, ...value }
}

interface JobFilter {
  readonly state?: FleetJob['state'] | undefined
  readonly batch?: string | undefined
  readonly printer?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

function listJobs(board: JobBoard, { state, batch, printer, before, limit }: JobFilter) {
  const all = state === undefined ? [...board.all()] : board.in(state)
  const found = all.filter(
    ({ id, value }) =>
      (batch === undefined || value.batch === batch) &&
      (printer === undefined || value.printer === printer) &&
      (before === undefined || id < before),
  )
  // Ids sort by time.
  found.sort((a, b) => (a.id < b.id ? 1 : -1))
  const page = found.slice(0, limit)
  return { jobs: page.map(shown), next: found.length > limit ? (page.at(-1)?.id ?? null) : null }
}
