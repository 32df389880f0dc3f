// Work that many may ask for at the same moment and that is done once.

/** Callers who ask for the same while it is being worked out get one answer. `key` says what is the same. */
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
