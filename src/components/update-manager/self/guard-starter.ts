// Records an update of this server before it happens, starts the guard, a process outside of this server that takes a new
// version back if it does not answer, and reports what it did.
import { existsSync } from 'node:fs'
import { copyFile, lstat, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { messageOf } from '../../../core/errors.ts'
import { findProgram } from '../../../core/find-program.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import { runCommand } from '../../../core/run-command.ts'
import type { RootAccess } from '../../machine/service.ts'
import { GUARD, type NewFolder, REPORT, readTrial, TRIAL, type Trial, writeTrial } from './trial.ts'

/** What the guard needs to be started. */
export interface GuardParts {
  readonly core: Core
  readonly sudo: RootAccess
}

/** The program that the bundler makes of guard.ts. */
const PROGRAM = join(import.meta.dirname, 'update-guard.cjs')
/** Seconds that a new version has to answer; tests set fewer. */
const SECONDS = Number(process.env.MOONRAKER_TS_GUARD_SECONDS ?? 60)
const START_SECONDS = 10

/**
 * Records a change of the installation that is going to happen, with a copy of the guard of this version: that of the new one
 * may be as broken as the rest of it, and the guard must not be part of what it replaces. `folder` is that of the updates of
 * the server.
 */
export async function prepareTrial(
  { core }: Pick<GuardParts, 'core'>,
  folder: string,
  change: Trial['change'],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const guard = join(folder, GUARD)
  await copyFile(PROGRAM, guard)
  await makeDurable(guard)
  writeTrial(join(folder, TRIAL), {
    change,
    program: process.argv[1] ?? '',
    socket: core.paths.socket,
    processId: process.pid,
    seconds: SECONDS,
    starts: {},
  })
}

/** The change that replaces the installation by the folder `from`. */
export async function folderChange(path: string, from: string): Promise<NewFolder> {
  const { ino } = await lstat(from, { bigint: true })
  return { kind: 'folder', path, inode: String(ino) }
}

/** Starts the guard of a new version that is in place. */
export async function startGuard({ core, sudo }: GuardParts, folder: string): Promise<void> {
  const trial = join(folder, TRIAL)
  if (!existsSync(trial)) return
  await startOutside([process.execPath, join(folder, GUARD), trial], { core, sudo })
}

/** The server has started: its version stays. Warns about a version that was taken back since the last start. */
export async function confirmStart({ core }: Pick<GuardParts, 'core'>, folder: string): Promise<void> {
  const trial = join(folder, TRIAL)
  // A restart within the process of the previous version does not start the new one.
  if (readTrial(trial)?.processId !== process.pid) await rm(trial, { force: true })
  const file = join(folder, REPORT)
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null) return
  core.warnings.add(text)
  await rm(file)
}

/**
 * systemd stops all processes of a service with it, but not those of another unit. Without systemd, a process in a group of
 * its own is enough.
 */
async function startOutside(command: readonly string[], { core, sudo }: GuardParts): Promise<void> {
  const [program = '', ...args] = command
  if ((await findProgram('systemd-run')) !== null) {
    const uid = process.getuid?.() ?? 0
    const unit = ['--no-ask-password', '--quiet', '--collect', `--uid=${uid}`, '--', ...command]
    const options = { timeoutSeconds: START_SECONDS }
    for (const run of [runCommand, sudo.run.bind(sudo)]) {
      try {
        if ((await run('systemd-run', unit, options)).code === 0) return
      } catch (error) {
        core.log.debug(`systemd-run: ${messageOf(error)}`)
      }
    }
  }
  const { spawn } = await import('node:child_process')
  spawn(program, args, { detached: true, stdio: 'ignore' })
    .on('error', error => core.log.error('the guard of the update cannot be started', error))
    .unref()
}
