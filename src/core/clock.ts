// Time and timers as a parameter, so that tests can pass a clock of their own.

/** A timer that can be stopped. */
export interface Timer {
  stop(): void
}

/** Wall time, monotonic time and timers. */
export interface Clock {
  /** Seconds since the Unix epoch. */
  now(): number
  /** Seconds on a clock that never jumps. */
  monotonic(): number
  /** Runs `task` once after `seconds`; a waiting timer does not keep the process running. */
  after(seconds: number, task: () => void): Timer
  /** Runs `task` every `seconds`; does not keep the process running. */
  every(seconds: number, task: () => void): Timer
  /** The process is awake for another reason: periodic tasks that are due soon may run now. */
  awake?(): void
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now() / 1000,
  // `performance` would load a module of Node that the start does not need.
  monotonic: () => process.uptime(),
  after(seconds, task) {
    const timer = setTimeout(task, seconds * 1000).unref()
    return { stop: () => clearTimeout(timer) }
  },
  every(seconds, task) {
    const timer = setInterval(task, seconds * 1000).unref()
    return { stop: () => clearInterval(timer) }
  },
}

/** Resolves after `seconds`; rejects with the reason of `signal` when that is aborted before. */
export function sleep(clock: Clock, seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      timer.stop()
      reject(signal?.reason)
    }
    const timer = clock.after(seconds, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Settles as `promise` does; rejects with `error()` if that takes longer than `seconds`. */
export async function withTimeout<T>(
  clock: Clock,
  seconds: number,
  promise: Promise<T>,
  error: () => Error,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = clock.after(seconds, () => reject(error()))
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.stop()
  }
}
