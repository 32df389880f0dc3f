// All components. The server builds them in this order, except where one needs another: that one is built first.
import type { ComponentType } from '../component/component.ts'
import authorization from './access/index.ts'
import ldap from './access/ldap.ts'
import announcements from './announcements/index.ts'
import apiDocs from './api-docs/index.ts'
import button from './button/index.ts'
import dataStore from './data-store/index.ts'
import database from './database/index.ts'
import extensions from './extensions/index.ts'
import fileManager from './files/index.ts'
import frontend from './frontend/index.ts'
import history from './history/index.ts'
import jobQueue from './job-queue/index.ts'
import jobState from './job-state/index.ts'
import machine from './machine/index.ts'
import metadata from './metadata/index.ts'
import mqtt from './mqtt/index.ts'
import notifier from './notifier/index.ts'
import octoprintCompat from './octoprint/index.ts'
import power from './power/index.ts'
import printer from './printer/index.ts'
import procStats from './proc-stats/index.ts'
import sensor from './sensor/index.ts'
import server from './server/index.ts'
import spoolman from './spoolman/index.ts'
import updateManager from './update-manager/index.ts'
import webcam from './webcam/index.ts'
import welcome from './welcome/index.ts'
import wled from './wled/index.ts'
import zeroconf from './zeroconf/index.ts'

/** Every component that comes with the server. */
export const componentTypes: readonly ComponentType[] = [
  ldap,
  authorization,
  fileManager,
  metadata,
  machine,
  database,
  webcam,
  announcements,
  printer,
  dataStore,
  procStats,
  jobState,
  history,
  extensions,
  mqtt,
  apiDocs,
  frontend,
  zeroconf,
  jobQueue,
  power,
  button,
  notifier,
  octoprintCompat,
  sensor,
  spoolman,
  wled,
  updateManager,
  server,
  welcome,
]
