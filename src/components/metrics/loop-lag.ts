// How late the event loop runs what is due. The measurement wakes the server, so it lasts only while metrics are requested.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock, Timer } from '../../core/clock.ts'
import { labelText, type Sample } from './exposition.ts'

type Measured = ReturnType<typeof monitorEventLoopDelay>

/** Milliseconds between measurements. */
const RESOLUTION = 50
/** The quantiles, as labels and in percent. */
const QUANTILES = [
  [labelText({ quantile: '0.5' }), 50],
  [labelText({ quantile: '0.99' }), 99],
  [labelText({ quantile: '1' }), 100],
] as const

export class LoopLag {
  readonly #clock: Clock
  #measured: Measured | null = null
  #end: Timer | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The lag since the last call, in seconds; nothing the first time. It is measured for `hold` seconds from now on. */
  samples(hold: number): Sample[] {
    this.#end?.stop()
    this.#end = this.#clock.after(hold, () => this.stop())
    const { count = 0 } = this.#measured ?? {}
    const measured = this.#measured ?? this.#start()
    if (count === 0) return []
    // A value is the time between two measurements.
    const lag = (percent: number) => Math.max(0, measured.percentile(percent) / 1e9 - RESOLUTION / 1000)
    const samples = QUANTILES.map(([labels, percent]) => ({ value: lag(percent), labels }))
    measured.reset()
    return samples
  }

  #start(): Measured {
    const measured = monitorEventLoopDelay({ resolution: RESOLUTION })
    measured.enable()
    this.#measured = measured
    return measured
  }

  stop(): void {
    this.#end?.stop()
    this.#end = null
    this.#measured?.disable()
    this.#measured = null
  }
}
