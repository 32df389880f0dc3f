// Changes which program a service runs, by a drop-in file; goes back by itself if the new one does not work.
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { replaceFile } from '../../config/atomic-file.ts'
import { commandFailure } from '../../core/command-failure.ts'
import { messageOf, StartError } from '../../core/errors.ts'
import { runCommand } from '../../core/run-command.ts'
import type { Instance } from './instances.ts'
import { isReady, probeServer, type ServerAddress } from './probes.ts'
import { quotedWord } from './unit-file.ts'

/** Seconds that a service may take to stop or to start. */
const SYSTEMCTL_TIMEOUT = 120
/** Milliseconds between two attempts to reach a server. */
const POLL = 250

/** A change of one service. */
export interface Change {
  readonly instance: Instance
  /** Where its server listens; null if that is not known. */
  readonly address: ServerAddress | null
  /** Whether Klipper is ready, and has to be ready afterwards. */
  readonly klipperReady: boolean
  /** Seconds that the new server has to reply, and Klipper to be ready. */
  readonly timeout: number
  /** Receives what is being done, in words. */
  readonly report: (text: string) => void
}

/** The text of the drop-in that makes a service run this server; `command` are the program and its first arguments. */
export function dropInText({ args, service }: Instance, command: readonly string[]): string {
  const words = [...command, ...args].map(quotedWord)
  return [
    '# Makes this service run moonraker-ts instead of Moonraker. To go back: moonraker-ts switch back',
    '',
    '[Service]',
    'ExecStart=',
    `ExecStart=${words.join(' ')}`,
    'TimeoutStopSec=20',
    `CacheDirectory=${service}`,
    `Environment=NODE_COMPILE_CACHE=%C/${service}`,
    '',
  ].join('\n')
}

/** Whether the service runs this server. */
export function isSwitched({ dropIn }: Instance): boolean {
  return existsSync(dropIn)
}

/**
 * Makes the service run this server. Rejects with StartError if the server does not work there: the service then runs
 * what it ran before.
 */
export async function switchOver(change: Change, command: readonly string[]): Promise<void> {
  const { instance, report } = change
  if (instance.isOwnRepository && !isSwitched(instance)) {
    return report(`${instance.service} runs this server already, of the repository ${instance.moonraker}`)
  }
  const before = isSwitched(instance) ? readFileSync(instance.dropIn, 'utf8') : null
  const text = dropInText(instance, command)
  const ready = (address: ServerAddress) => isReady(address, change.klipperReady)
  if (before === text && change.address !== null && (await ready(change.address))) {
    return report(`${instance.service} runs this server already`)
  }
  // A drop-in that cannot be written changes nothing: the service keeps running.
  writeDropIn(instance, text)
  try {
    await restart(change)
    await waitUntil(change, ready)
    report(`${instance.service} runs moonraker-ts now`)
  } catch (error) {
    report(`it does not work (${messageOf(error)}): going back`)
    if (before === null) removeDropIn(instance)
    else writeDropIn(instance, before)
    await restart(change)
    throw new StartError(
      `${instance.service}: ${messageOf(error)}; the service runs what it ran before. ` +
        `journalctl -u ${instance.service} shows why`,
    )
  }
}

/** Makes the service run Moonraker again. Rejects with StartError if that does not reply, or if KIAUH installed this server. */
export async function switchBack(change: Change): Promise<void> {
  const { instance, report } = change
  const { service, isOwnRepository, moonraker } = instance
  if (!isSwitched(instance) && !isOwnRepository) return report(`${service} does not run moonraker-ts`)
  if (isSwitched(instance)) {
    removeDropIn(instance)
    await restart(change)
    const expected = isOwnRepository ? 'this' : 'other'
    await waitUntil(change, async address => (await probeServer(address)) === expected)
  }
  if (!isOwnRepository) return report(`${service} runs Moonraker again`)
  throw new StartError(
    `${service} runs moonraker-ts of the repository ${moonraker}: KIAUH's menu of Moonraker's repositories leads back`,
  )
}

function writeDropIn({ dropIn }: Instance, text: string): void {
  try {
    mkdirSync(dirname(dropIn), { recursive: true })
    replaceFile(dropIn, text, 0o644)
  } catch (error) {
    removeIfEmpty(dirname(dropIn))
    throw fileError(error, `${dropIn} cannot be written`)
  }
}

function fileError(error: unknown, what: string): StartError {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') return new StartError(`${what}: run this command with sudo`)
  return new StartError(`${what}: ${messageOf(error)}`)
}

function removeDropIn({ dropIn }: Instance): void {
  try {
    rmSync(dropIn, { force: true })
  } catch (error) {
    throw fileError(error, `${dropIn} cannot be removed`)
  }
  removeIfEmpty(dirname(dropIn))
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Other drop-ins are in it, or it does not exist.
  }
}

async function restart({ instance: { service }, report }: Change): Promise<void> {
  report(`restarting ${service}`)
  await systemctl('daemon-reload')
  // A service that failed several times would not be started again.
  await systemctl('reset-failed', service).catch(() => undefined)
  await systemctl('restart', service)
}

/** Runs a command of systemd. Rejects with StartError if it fails. */
export async function systemctl(...args: string[]): Promise<void> {
  const result = await runCommand('systemctl', args, { timeoutSeconds: SYSTEMCTL_TIMEOUT })
  if (result.code === 0) return
  throw new StartError(`systemctl ${args.join(' ')} failed: ${commandFailure('systemctl', result)}`)
}

async function waitUntil(
  { address, timeout }: Change,
  holds: (address: ServerAddress) => Promise<boolean>,
): Promise<void> {
  if (address === null) return
  const end = performance.now() + timeout * 1000
  while (!(await holds(address))) {
    if (performance.now() > end) {
      throw new StartError(`the server on port ${address.port} is not ready after ${timeout} s`)
    }
    await sleep(POLL)
  }
}
