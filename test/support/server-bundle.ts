// The server as it is installed: a bundle, which needs a third of the time of the sources to start. All files of a test
// run share one, since a build takes seconds.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))
/** Milliseconds between two looks whether another process has finished the build. */
const INTERVAL = 50

/** The folder of this test run, which scripts/test.mjs removes; without it, a folder of this process. */
function runFolder(): string {
  const shared = process.env.TEST_RUN_FOLDER
  if (shared !== undefined) return shared
  const own = mkdtempSync(join(tmpdir(), 'test-run-'))
  process.env.TEST_RUN_FOLDER = own
  process.on('exit', () => rmSync(own, { recursive: true, force: true }))
  return own
}

/** The folder of the bundle; the first caller of a test run builds it. Its files must not be changed. */
export async function serverBundle(): Promise<string> {
  const run = runFolder()
  const bundle = join(run, 'bundle')
  const lock = join(run, 'bundle.lock')
  while (!existsSync(bundle)) {
    if (!takeLock(lock)) {
      await setTimeout(INTERVAL)
      continue
    }
    const unfinished = mkdtempSync(join(run, 'unfinished-bundle-'))
    try {
      await promisify(execFile)(process.execPath, [BUILD, unfinished])
      if (!existsSync(bundle)) renameSync(unfinished, bundle)
    } finally {
      rmSync(unfinished, { recursive: true, force: true })
      rmSync(lock, { force: true })
    }
  }
  return bundle
}

/** A copy of the bundle in `folder`, without what a start has compiled. */
export async function copyBundle(folder: string): Promise<void> {
  const filter = (path: string) => basename(path) !== 'cache'
  cpSync(await serverBundle(), folder, { recursive: true, filter })
}

/** Whether this process may build. The lock of a process that was killed does not count. */
function takeLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') rmSync(lock, { force: true })
  }
  return false
}
