// What a fleet promises, checked at the end of a chaos run against what printers, hubs and the engine have recorded.
import { setTimeout as delay } from 'node:timers/promises'
import type { Json } from './hubs.ts'
import type { Order } from './orders.ts'
import type { SimulatedReport } from './simulated.ts'
import type { Site } from './site.ts'

/** Seconds in which the jobs end and the newest states arrive, when there are no more failures. */
const SETTLE_SECONDS = 180
const LOOK = 500

/** What was broken, in words; none if all promises were kept. */
export type Broken = string[]

/** States in which a job waits for something that happens by itself. */
const OPEN: ReadonlySet<string> = new Set(['queued', 'offered', 'accepted', 'printing'])

/** Resolves when all hubs are ready, no job is open and all events are sent; with false when the time is up before. */
export async function settled({ hubs, printers }: Site): Promise<boolean> {
  const end = performance.now() + SETTLE_SECONDS * 1000
  while (performance.now() < end) {
    if ((await Promise.all(hubs.urls.map(url => hubs.isReady(url)))).every(Boolean)) {
      const { jobs } = await hubs.call('GET', '/fleet/summary')
      const open = Object.entries(jobs as Record<string, number>).filter(([state]) => OPEN.has(state))
      if (open.every(([, count]) => count === 0) && (await areSent(printers))) return true
    }
    await delay(LOOK)
  }
  return false
}

async function areSent(printers: Site['printers']): Promise<boolean> {
  const statuses = await Promise.all(printers.map(printer => printer.call('server.fleet.status', {})))
  return statuses.every(({ connected, events_waiting: waiting }) => connected && waiting === 0)
}

/** Checks everything; resolves with what is broken, and with the number of jobs in each state. */
export async function check(
  site: Site,
  orders: readonly Order[],
): Promise<{ broken: Broken; counts: Record<string, number>; events: number }> {
  const reports = await site.simulated.request<SimulatedReport[]>('report')
  const [url = ''] = site.hubs.urls
  const jobs = await site.hubs.pages(url, '/fleet/jobs', 'jobs', ({ next }) => next && `before=${next}`)
  const events = await allEvents(site, url)
  const counts: Record<string, number> = {}
  for (const { state } of jobs) counts[state] = (counts[state] ?? 0) + 1
  const broken = [
    ...checkJobs(jobs, orders, startsOf(site, jobs, reports)),
    ...checkEvents(events, reports),
    ...(await checkHistories(site, events)),
    ...(await checkHubs(site, jobs, reports)),
  ]
  return { broken, counts, events: events.length }
}

function allEvents(site: Site, url: string): Promise<Json[]> {
  return site.hubs.pages(url, '/fleet/events', 'events', ({ next, more }) => (more ? `after=${next}` : null))
}

/** The starts of each job, on all printers. Simulated printers record jobs, the console of real ones the file's mark. */
function startsOf(
  { printers }: Pick<Site, 'printers'>,
  jobs: readonly Json[],
  reports: readonly SimulatedReport[],
): Map<string, number> {
  const ids = new Map(jobs.map(({ id, file }) => [file.name as string, id as string]))
  const started = [
    ...reports.flatMap(({ starts }) => starts.map(start => start.split(' ')[0] as string)),
    ...printers.flatMap(({ starts }) => starts.map(mark => ids.get(`${mark}.gcode`) ?? `unknown ${mark}`)),
  ]
  const counts = new Map<string, number>()
  for (const id of started) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** No job is lost, and none was started twice: no person has released one. */
function checkJobs(jobs: readonly Json[], orders: readonly Order[], starts: Map<string, number>): Broken {
  const broken: Broken = []
  const known = new Set(jobs.map(({ id }) => id))
  for (const { id, mark } of orders) if (id !== null && !known.has(id)) broken.push(`job ${mark} is lost`)
  for (const id of starts.keys()) if (!known.has(id)) broken.push(`${id} was started, and no hub knows it`)
  for (const { id, state, why, attempt, file } of jobs) {
    const count = starts.get(id) ?? 0
    const about = `job ${file.name} (${id}, ${state}, attempt ${attempt}, ${why}): started ${count} times`
    if (count > 1) broken.push(about)
    if (state === 'done' && count !== 1) broken.push(about)
    if (OPEN.has(state)) broken.push(`${about}, and does not end`)
    if (state === 'cancelled') broken.push(`${about}, and no user cancelled it`)
    if ((state === 'failed' || state === 'held') && !why) broken.push(`${about}, and has no reason`)
  }
  return broken
}

/** The stages of a job, in the order of its events. */
const STAGES = ['job.accepted', 'job.started', 'job.finished', 'job.failed']

/** Each event is there once, and those of a printer are in their order. */
function checkEvents(events: readonly Json[], reports: readonly SimulatedReport[]): Broken {
  const broken: Broken = []
  const byPrinter = Map.groupBy(events, ({ printer }) => printer as string)
  for (const [printer, own] of byPrinter) {
    const ids = new Set(own.map(({ id }) => id))
    if (ids.size < own.length) broken.push(`${printer}: ${own.length - ids.size} events came twice`)
    for (const [index, { t, type }] of own.entries()) {
      if (t < (own[index - 1]?.t ?? 0)) broken.push(`${printer}: ${type} of ${t} came after a later event`)
    }
    for (const [attempt, stages] of Map.groupBy(own, ({ job, attempt }) => `${job} ${attempt}`)) {
      const found = stages.map(({ type }) => STAGES.indexOf(type)).filter(stage => stage !== -1)
      if (found.some((stage, index) => stage < (found[index - 1] ?? -1)))
        broken.push(
          `${printer}: the events of job ${attempt} are ${stages.map(({ type }) => type).join(', ')}`,
        )
    }
  }
  for (const { id, events: sent } of reports) {
    const received = (byPrinter.get(id) ?? []).map(event => event.id)
    if (received.join() !== sent.join())
      broken.push(`${id}: sent ${sent.length} events, of which ${received.length} came, or in another order`)
  }
  return broken
}

/** Each print of a job in a printer's history has one event, with the same end. */
async function checkHistories({ printers }: Site, events: readonly Json[]): Promise<Broken> {
  const broken: Broken = []
  for (const server of printers) {
    const { name } = server.node
    const ends = events.filter(
      ({ printer, data, job }) => printer === server.id && job !== null && data.history_id != null,
    )
    const { jobs } = await server.call('server.history.list', { limit: 10_000 })
    for (const { job_id: record, status, user, filename } of jobs) {
      if (user !== 'fleet') continue
      const found = ends.filter(({ data }) => data.history_id === record)
      if (status === 'completed' && found.length !== 1)
        broken.push(`${name}: ${filename} ended, with ${found.length} events`)
    }
    const { events_waiting: waiting } = await server.call('server.fleet.status', {})
    if (waiting > 0) broken.push(`${name}: ${waiting} events were not sent`)
  }
  return broken
}

/** Every hub has the newest state of every printer, which all take jobs again, and the same jobs. */
async function checkHubs(
  site: Site,
  jobs: readonly Json[],
  reports: readonly SimulatedReport[],
): Promise<Broken> {
  const states = jobs.map(({ id, state }) => `${id} ${state}`).join()
  const broken: Broken = []
  for (const url of site.hubs.urls) {
    const end = performance.now() + SETTLE_SECONDS * 1000
    let late = await lateOf(site, url, reports)
    while (late.length > 0 && performance.now() < end) {
      await delay(LOOK)
      late = await lateOf(site, url, reports)
    }
    broken.push(...late.map(text => `${url}: ${text}`))
    const own = await site.hubs.pages(url, '/fleet/jobs', 'jobs', ({ next }) => next && `before=${next}`)
    if (own.map(({ id, state }) => `${id} ${state}`).join() !== states) broken.push(`${url} has other jobs`)
  }
  return broken
}

async function lateOf(
  { hubs, printers }: Site,
  url: string,
  reports: readonly SimulatedReport[],
): Promise<Broken> {
  const rows = await hubs.pages(url, '/fleet/printers', 'printers', ({ next }) => next && `cursor=${next}`)
  const written = new Map(reports.map(({ id, stateAt }) => [id, stateAt]))
  const late: Broken = []
  if (rows.length !== reports.length + printers.length) late.push(`${rows.length} printers`)
  for (const { id, name, state, slot, seen } of rows) {
    if (state !== 'ready' || slot?.state !== 'free')
      late.push(`${name} is ${state}, its slot ${slot?.state} (${slot?.why})`)
    if (seen < (written.get(id) ?? 0)) late.push(`the state of ${name} is not the newest one`)
  }
  return late
}
