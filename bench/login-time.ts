// Measures what a login costs for an unknown user and for a wrong password: the times must not show which it was.
// Usage: node bench/login-time.ts [logins of each kind]
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startInProcess } from './server-in-process.ts'

const count = Number(process.argv[2] ?? 200)
/** What is not the machine's noise: medians of two runs of the same kind differ by less. */
const NOISE = 0.05

const CONF = `[authorization]
trusted_clients: 127.0.0.1
max_login_attempts: 1000000
`

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

async function post(url: string, body: object): Promise<number> {
  const headers = { 'Content-Type': 'application/json' }
  const started = performance.now()
  const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  await reply.text()
  return performance.now() - started
}

await using server = await startInProcess(undefined, CONF)
const { url } = server
await post(`${url}/access/user`, { username: 'known', password: 'right' })
const kinds: Readonly<Record<string, () => object>> = {
  'unknown user': () => ({ username: 'unknown', password: 'wrong' }),
  'wrong password': () => ({ username: 'known', password: 'wrong' }),
}
const times = new Map(Object.keys(kinds).map(kind => [kind, [] as number[]]))
for (let i = 0; i < 10; i += 1) await post(`${url}/access/login`, { username: 'unknown', password: 'x' })
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
// In turns, so that what else the machine does falls on both alike.
for (let i = 0; i < count; i += 1) {
  for (const [kind, body] of Object.entries(kinds))
    times.get(kind)?.push(await post(`${url}/access/login`, body()))
}
delay.disable()
const medians = [...times].map(([kind, all]) => {
  const sorted = all.toSorted((a, b) => a - b)
  const [p5, p50, p95] = [0.05, 0.5, 0.95].map(part => quantile(sorted, part).toFixed(2))
  process.stdout.write(`${kind.padEnd(15)} median ${p50} ms (5 %: ${p5}, 95 %: ${p95}) of ${count}\n`)
  return quantile(sorted, 0.5)
})
const [first = 0, second = 0] = medians
const apart = Math.abs(first - second) / Math.min(first, second)
process.stdout.write(`medians apart: ${(apart * 100).toFixed(1)} %\n`)
process.stdout.write(`longest wait of the event loop meanwhile: ${(delay.max / 1e6).toFixed(1)} ms\n`)
if (apart > NOISE) process.exitCode = 1
