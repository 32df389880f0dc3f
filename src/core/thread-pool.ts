// The threads of libuv, on which all file calls, name look-ups and hashes of passwords run. A call to a network disk that
// does not respond holds one until the disk responds again.

/** The threads of this process. An idle one needs 20 KB. */
const THREADS = 16
/** The number of libuv itself. */
const USUAL_THREADS = 4
/** What is left for everything else when network disks hold the others. */
const KEPT = 4

/** Sets the number of threads. Call it before the first of them is used. A number that the user has set stays. */
export function setThreadPool(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(THREADS)
}

/** How many threads calls to network disks may hold at the same time. */
export function threadsThatMayHang(): number {
  const size = Number(process.env.UV_THREADPOOL_SIZE) || USUAL_THREADS
  return Math.max(size - KEPT, Math.min(size, USUAL_THREADS) - 1, 1)
}
