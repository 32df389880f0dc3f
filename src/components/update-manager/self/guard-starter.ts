// Starts the guard, a process outside of this server that takes a new version back if it does not answer, and reports what
// it did.
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { messageOf } from '../../../core/errors.ts'
import { findProgram } from '../../../core/find-program.ts'
import { runCommand } from '../../../core/run-command.ts'
import type { RootAccess } from '../../machine/service.ts'
import type { Replacement } from '../archive/replacement.ts'
import type { Trial } from './guard.ts'

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
/** What the guard writes into the folder of the replacement. */
const REPORT = 'guard.txt'

/** Starts the guard of a new version that is in place. */
export async function startGuard(
  { core, sudo }: GuardParts,
  { path, folder, previous }: Replacement,
): Promise<void> {
  // That of the version which runs now: the one of the new version may be as broken as the rest of it. A copy, since the
  // guard must not be part of what it replaces.
  const proven = join(previous, relative(path, PROGRAM))
  const guard = join(folder, 'guard.cjs')
  const trialFile = join(folder, 'trial.json')
  const trial: Trial = {
    path,
    program: process.argv[1] ?? '',
    socket: core.paths.socket,
    processId: process.pid,
    seconds: SECONDS,
  }
  await copyFile(proven, guard)
  await writeFile(trialFile, JSON.stringify(trial))
  await startOutside([process.execPath, guard, trialFile], { core, sudo })
}

/** Warns about a version that was taken back since the last start. */
export async function reportGuard(
  { core }: Pick<GuardParts, 'core'>,
  { folder }: Replacement,
): Promise<void> {
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
