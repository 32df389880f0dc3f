// All components. The server builds them in this order, except where one needs another: that one is built first.
import type { ComponentType, LazyComponent } from '../component/component.ts'
import authorization from './access/index.ts'
import analysis from './analysis/index.ts'
import announcements from './announcements/index.ts'
import apiDocs from './api-docs/index.ts'
import dashboard from './dashboard/index.ts'
import dataStore from './data-store/index.ts'
import database from './database/index.ts'
import extensions from './extensions/index.ts'
import fileManager from './files/index.ts'
import fleetJoin from './fleet/join/index.ts'
import history from './history/index.ts'
import jobQueue from './job-queue/index.ts'
import jobState from './job-state/index.ts'
import machine from './machine/index.ts'
import metadata from './metadata/index.ts'
import printer from './printer/index.ts'
import procStats from './proc-stats/index.ts'
import server from './server/index.ts'
import webcam from './webcam/index.ts'

/** Every component that comes with the server. One with `load` is loaded only if its section is configured. */
export const componentTypes: readonly (ComponentType | LazyComponent)[] = [
  { section: 'ldap', load: () => import('./access/ldap.ts') },
  authorization,
  fileManager,
  metadata,
  analysis,
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
  { section: 'mqtt', load: () => import('./mqtt/index.ts') },
  apiDocs,
  { section: 'frontend', load: () => import('./frontend/index.ts') },
  { section: 'zeroconf', load: () => import('./zeroconf/index.ts') },
  jobQueue,
  fleetJoin,
  { section: 'fleet', load: () => import('./fleet/index.ts') },
  { section: 'power', load: () => import('./power/index.ts') },
  { section: 'metrics', load: () => import('./metrics/index.ts') },
  { section: 'button', load: () => import('./button/index.ts') },
  { section: 'notifier', load: () => import('./notifier/index.ts') },
  { section: 'octoprint_compat', load: () => import('./octoprint/index.ts') },
  { section: 'paneldue', load: () => import('./paneldue/index.ts') },
  { section: 'sensor', load: () => import('./sensor/index.ts') },
  { section: 'spoolman', load: () => import('./spoolman/index.ts') },
  { section: 'timelapse', load: () => import('./timelapse/index.ts') },
  { section: 'td1', load: () => import('./td1/index.ts') },
  { section: 'mmu_server', load: () => import('./mmu-server/index.ts') },
  { section: 'wled', load: () => import('./wled/index.ts') },
  { section: 'update_manager', load: () => import('./update-manager/index.ts') },
  server,
  dashboard,
]
