// The contract: every chapter of the API, and from them every method, notification and event.
import { analysis } from './analysis.ts'
import { announcements } from './announcements.ts'
import { authorization } from './authorization.ts'
import { buttons } from './buttons.ts'
import type { ArgsOfEvent, Chapter, ParamsOfNotification } from './chapter.ts'
import { database, databaseDebug } from './database.ts'
import { discovery } from './discovery.ts'
import { extensions } from './extensions.ts'
import { files } from './files.ts'
import { fleet } from './fleet.ts'
import { fleetAgent, fleetJoin } from './fleet-agent.ts'
import { history } from './history.ts'
import { jobQueue } from './job-queue.ts'
import { machine } from './machine.ts'
import { metrics } from './metrics.ts'
import { mqtt } from './mqtt.ts'
import { notifiers, notifiersDebug } from './notifiers.ts'
import { octoprint } from './octoprint.ts'
import { peripherals } from './peripherals.ts'
import { power } from './power.ts'
import { printer } from './printer.ts'
import { sensors } from './sensors.ts'
import { dataStore, server } from './server.ts'
import { services } from './services.ts'
import { spoolman } from './spoolman.ts'
import { systemInfo } from './system-info.ts'
import { td1 } from './td1.ts'
import { timelapse } from './timelapse.ts'
import { updateManager } from './update-manager.ts'
import { webcam } from './webcam.ts'
import { wled } from './wled.ts'
import { workshop } from './workshop.ts'

export type { Chapter, Notification } from './chapter.ts'
export type { CallOf, Endpoint, ParamsOf, ResultOf, Role, Route, Transport, Verb } from './endpoint.ts'

/** The chapters, in the order in which the documents list them. */
export const chapters = [
  server,
  dataStore,
  printer,
  machine,
  systemInfo,
  services,
  peripherals,
  files,
  authorization,
  database,
  jobQueue,
  announcements,
  webcam,
  power,
  spoolman,
  notifiers,
  wled,
  td1,
  sensors,
  buttons,
  updateManager,
  timelapse,
  octoprint,
  fleetAgent,
  fleetJoin,
  history,
  analysis,
  mqtt,
  metrics,
  extensions,
  workshop,
  databaseDebug,
  notifiersDebug,
  discovery,
  fleet,
] as const

type Part = 'methods' | 'notifications' | 'events'
type ToIntersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never
/** One part of all chapters in one object. */
type Merged<P extends Part> = { [K in keyof MergedRaw<P>]: MergedRaw<P>[K] }
type MergedRaw<P extends Part> = ToIntersection<(typeof chapters)[number][P]>

/** Throws Error for a name that two chapters declare. */
function merge<P extends Part>(part: P): Merged<P> {
  const merged: Record<string, unknown> = {}
  for (const chapter of chapters as readonly Chapter[]) {
    for (const [name, declared] of Object.entries(chapter[part])) {
      if (Object.hasOwn(merged, name)) throw new Error(`two chapters declare ${name}`)
      merged[name] = declared
    }
  }
  return merged as Merged<P>
}

/** Every method by its JSON-RPC name. */
export const api: Merged<'methods'> = merge('methods')
export type Api = typeof api

/** Every notification by its name. */
export const notifications: Merged<'notifications'> = merge('notifications')
export type NotificationName = keyof typeof notifications

/** The parameters of a notification, in order. */
export type NotificationParams<N extends NotificationName> = ParamsOfNotification<(typeof notifications)[N]>

type AllEvents = Merged<'events'>

/** Every event with its arguments, in order. */
export type Events = { readonly [E in keyof AllEvents]: ArgsOfEvent<AllEvents[E]> }
