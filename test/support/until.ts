// Waits for what sends no event.

/** Resolves when `check` returns a value that is not false, null or undefined. */
export async function until<T>(check: () => T | Promise<T>, seconds = 20): Promise<NonNullable<T>> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const value = await check()
    if (value) return value as NonNullable<T>
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${String(check)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
