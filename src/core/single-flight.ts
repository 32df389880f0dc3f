// Runs work once for all calls that come at the same time.

/** Calls with the same key while the work runs share its result. */
export function singleFlight<T>(work: (key: string) => Promise<T>): (key?: string) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  return (key = '') => {
    const started = running.get(key)
    if (started !== undefined) return started
    const promise = work(key).finally(() => running.delete(key))
    running.set(key, promise)
    return promise
  }
}
