// An engine that an earlier hub left running, when it was killed: it is stopped before the hub starts its own.
import { readFileSync } from 'node:fs'
import { type Clock, sleep } from '../../../core/clock.ts'
import { StartError } from '../../../core/errors.ts'

/** Seconds that it has to stop. */
const STOP_SECONDS = 10
const POLL_SECONDS = 0.1

/**
 * Stops the process in `pidFile`, if it runs with the configuration `configFile`. Rejects with StartError if it does not
 * stop.
 */
export async function stopStale(pidFile: string, configFile: string, clock: Clock): Promise<void> {
  const pid = Number(read(pidFile))
  if (!Number.isInteger(pid) || pid <= 0 || !runs(pid, configFile)) return
  process.kill(pid, 'SIGTERM')
  const until = clock.monotonic() + STOP_SECONDS
  while (runs(pid, configFile)) {
    if (clock.monotonic() > until) {
      throw new StartError(`the engine of an earlier hub does not stop: end the process ${pid}`)
    }
    await sleep(clock, POLL_SECONDS)
  }
}

function runs(pid: number, configFile: string): boolean {
  return read(`/proc/${pid}/cmdline`).split('\0').includes(configFile)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
