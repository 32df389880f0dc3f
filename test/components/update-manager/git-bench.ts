// One repository with an updater, without a server around it.

import { Dependencies } from '../../../src/components/update-manager/dependencies/index.ts'
import { Git } from '../../../src/components/update-manager/git/git.ts'
import { GitUpdater } from '../../../src/components/update-manager/git/git-updater.ts'
import type { RepoSpec } from '../../../src/components/update-manager/git/status.ts'
import type { UpdateRun } from '../../../src/components/update-manager/updater.ts'
import { systemClock } from '../../../src/core/clock.ts'
import type { PlainData } from '../../../src/core/plain-data.ts'
import { ProgramStarts } from '../../../src/core/program-starts.ts'
import { testLog } from '../../support/test-log.ts'

/** A signal that is never aborted. */
const never = new AbortController().signal

/** Runs git in a folder. */
export function gitAt(path: string): Git {
  return new Git({ path, clock: systemClock, mirror: null, starts: new ProgramStarts() })
}

/** The updater of the repository at `path`, whose official URL is `origin`. */
export function gitUpdater(path: string, change: Partial<RepoSpec> = {}): GitUpdater {
  const spec: RepoSpec = {
    name: 'app',
    channel: 'dev',
    primaryBranch: 'master',
    origin: null,
    pin: null,
    services: ['app'],
    infoTags: [],
    reportAnomalies: true,
    debug: false,
    ...change,
  }
  const log = testLog({ console: () => undefined, level: 'error' })
  return new GitUpdater({
    spec,
    git: gitAt(path),
    clock: systemClock,
    dependencies: new Dependencies({
      files: { path, python: null, system: null, script: null, node: false },
      virtualenv: null,
      pipEnvironment: {},
      packages: { provider: () => Promise.resolve(null) },
      log,
    }),
    findUrl: url => Promise.resolve(url),
  })
}

/** What a run did. */
export interface RunRecord {
  /** The lines for clients; the last one has a star before it. */
  readonly lines: readonly string[]
  /** The last details for a repair. */
  readonly noted: PlainData
  /** The text of the error; null for none. */
  readonly error: string | null
}

/** Runs an operation of an updater. */
export async function runOf(work: (run: UpdateRun) => Promise<unknown>): Promise<RunRecord> {
  const lines: string[] = []
  let noted: PlainData = null
  const run: UpdateRun = {
    application: 'app',
    signal: never,
    message: (text, isLast = false) => void lines.push((isLast ? '*' : '') + text.trim()),
    progress: () => undefined,
    note: details => {
      noted = details
      return Promise.resolve()
    },
    uninterrupted: step => step(),
    restartServices: label => Promise.resolve(void lines.push(`${label}: restart`)),
  }
  const error = await work(run).then(
    () => null,
    (reason: Error) => reason.message,
  )
  return { lines, noted, error }
}

/** The status after a refresh, as JSON. */
export async function refreshed(updater: GitUpdater): Promise<Record<string, unknown>> {
  await updater.refresh(never)
  return updater.status() as Record<string, unknown>
}
