// All components in the order in which they are built.
import type { ComponentType } from '../component/component.ts'
import announcements from './announcements/index.ts'
import apiDocs from './api-docs/index.ts'
import dataStore from './data-store/index.ts'
import database from './database/index.ts'
import extensions from './extensions/index.ts'
import frontend from './frontend/index.ts'
import history from './history/index.ts'
import jobState from './job-state/index.ts'
import printer from './printer/index.ts'
import procStats from './proc-stats/index.ts'
import webcam from './webcam/index.ts'
import zeroconf from './zeroconf/index.ts'

/** Every component that no other is given. */
export const componentTypes: readonly ComponentType[] = [
  database,
  webcam,
  announcements,
  printer,
  dataStore,
  procStats,
  jobState,
  history,
  extensions,
  apiDocs,
  frontend,
  zeroconf,
]
