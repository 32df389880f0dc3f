// All components in the order in which they are built.
import type { ComponentType } from '../component.ts'
import apiDocs from './api-docs/index.ts'
import dataStore from './data-store/index.ts'
import database from './database/index.ts'
import history from './history/index.ts'
import jobQueue from './job-queue/index.ts'
import jobState from './job-state/index.ts'
import printer from './printer/index.ts'
import procStats from './proc-stats/index.ts'

/** Every component but access, which the transports need first, and the file manager, whose roots others name. */
export const componentTypes: readonly ComponentType[] = [
  database,
  printer,
  dataStore,
  procStats,
  jobState,
  jobQueue,
  history,
  apiDocs,
]
