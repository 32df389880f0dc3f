// The contract: every method and every notification of the API.
import { announcements } from './announcements.ts'
import { authorization } from './authorization.ts'
import { database, databaseDebug } from './database.ts'
import { discovery } from './discovery.ts'
import { extensions } from './extensions.ts'
import { files } from './files.ts'
import { history } from './history.ts'
import { jobQueue } from './job-queue.ts'
import { machine } from './machine.ts'
import { peripherals } from './peripherals.ts'
import { printer } from './printer.ts'
import { dataStore, server } from './server.ts'
import { services } from './services.ts'
import { systemInfo } from './system-info.ts'
import { webcam } from './webcam.ts'

export type {
  CallOf,
  Chapter,
  Endpoint,
  ParamsOf,
  ResultOf,
  Role,
  Route,
  Transport,
  Verb,
} from './endpoint.ts'
export {
  type Notification,
  type NotificationName,
  type NotificationParams,
  notifications,
} from './notifications.ts'

/** The chapters of the API document, by their titles. */
export const chapters = {
  'Server Administration': { ...server, ...dataStore },
  Printer: printer,
  'Machine Requests': { ...machine, ...systemInfo, ...services, ...peripherals },
  'File Operations': files,
  Authorization: authorization,
  'Database APIs': database,
  'Job Queue APIs': jobQueue,
  'Announcement APIs': announcements,
  'History APIs': history,
  'Webcam APIs': webcam,
  'Extension APIs': extensions,
  'Debug APIs': databaseDebug,
  'Service Discovery': discovery,
}

/** Every declared method by its JSON-RPC name. */
export const api = {
  ...server,
  ...dataStore,
  ...printer,
  ...machine,
  ...peripherals,
  ...systemInfo,
  ...services,
  ...files,
  ...authorization,
  ...database,
  ...jobQueue,
  ...announcements,
  ...history,
  ...webcam,
  ...extensions,
  ...databaseDebug,
  ...discovery,
}

export type Api = typeof api
