// What every load has in common: it runs for a while, counts replies, and measures what they cost the server.
import { cpuSeconds } from './process-facts.ts'

/** Seconds before counting starts, in which caches fill and code gets compiled: an HTTP server takes two for that. */
const WARM_UP = 2
/** Seconds that are counted. */
const MEASURED = 2

/** A source of requests that keeps a number of them in flight. */
export interface Load {
  /** Answers since the start. */
  readonly answered: number
  /** Set when the server broke off or answered with an error. */
  readonly failure: Error | null
  close(): void
}

/** What a load came to. `cpu` is the server's CPU time per answer in µs; null where its process is not known. */
export interface Rate {
  readonly perSecond: number
  readonly cpu: number | null
}

export function sleep(seconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, seconds * 1000))
}

/** Lets `load` run and gives its rate. Rejects with the load's failure. */
export async function measure(load: Load, pid: number | null): Promise<Rate> {
  try {
    await sleep(WARM_UP)
    const [answeredBefore, cpuBefore, start] = [load.answered, cpuOf(pid), performance.now()]
    await sleep(MEASURED)
    const answered = load.answered - answeredBefore
    const seconds = (performance.now() - start) / 1000
    if (load.failure !== null) throw load.failure
    if (answered === 0) throw new Error('no answer came while it was measured')
    const cpu = pid === null ? null : ((cpuOf(pid) - cpuBefore) / answered) * 1e6
    return { perSecond: answered / seconds, cpu }
  } finally {
    load.close()
  }
}

function cpuOf(pid: number | null): number {
  return pid === null ? 0 : cpuSeconds(pid)
}
