// A log without a file, for what a test starts by itself.
import { systemClock } from '../../src/core/clock.ts'
import { Log, type LogOptions } from '../../src/core/log.ts'

/** Passes lines of all levels to `console`; drops them where it is left out. */
export function testLog(options: Partial<LogOptions> = {}): Log {
  return new Log({
    clock: systemClock,
    file: null,
    structured: false,
    level: 'debug',
    console: null,
    ...options,
  })
}
