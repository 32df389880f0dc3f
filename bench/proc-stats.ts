// Measures what the samples of the load cost: two processes in parallel, one that samples and reports once a second
// and one that only has a timer. Usage: node bench/proc-stats.ts [seconds]
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LoadMonitor } from '../src/components/proc-stats/load-monitor.ts'
import { ProcStats } from '../src/components/proc-stats/proc-stats.ts'
import { systemClock } from '../src/core/clock.ts'
import { Scope } from '../src/core/scope.ts'
import { Connections } from '../src/rpc/connections.ts'
import { Presence } from '../src/rpc/presence.ts'
import { TRUSTED_USER } from '../src/rpc/user.ts'
import { silentChannel } from '../test/support/silent-channel.ts'
import { testLog } from '../test/support/test-log.ts'
import { sleep } from './load.ts'

/** Listeners whose sockets cost nothing: what a socket costs is the transport's. */
const CLIENTS = 3
/** Seconds after its start at which a process has compiled what it needs. */
const SETTLE = 5
/** What the samples may cost, % of one core. */
const LIMIT = 0.3

function sample(): void {
  const connections = new Connections()
  for (let client = 0; client < CLIENTS; client += 1) {
    connections.open('websocket', '127.0.0.1', TRUSTED_USER, silentChannel)
  }
  const log = testLog()
  void new ProcStats(
    connections,
    new Presence(connections, systemClock),
    new LoadMonitor({ clock: systemClock, log }, ''),
  ).start(new Scope())
}

/** % of one core that this process took, while `seconds` passed. */
async function measure(seconds: number): Promise<number> {
  await sleep(SETTLE)
  const start = performance.now()
  const before = process.cpuUsage()
  await sleep(seconds)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 10 / (performance.now() - start)
}

function child(kind: 'with' | 'without', seconds: number): Promise<number> {
  const forked = fork(fileURLToPath(import.meta.url), [String(seconds), kind])
  return new Promise((resolve, reject) => {
    forked.once('message', value => resolve(Number(value)))
    forked.once('exit', code => reject(new Error(`the process ended with code ${code}`)))
  })
}

const [time = '60', kind] = process.argv.slice(2)
if (kind === undefined) {
  const [loaded, idle] = await Promise.all([child('with', Number(time)), child('without', Number(time))])
  const cost = loaded - idle
  console.log(`with samples ${loaded.toFixed(3)} %, without ${idle.toFixed(3)} % of a core over ${time} s`)
  console.log(`the samples cost ${cost.toFixed(3)} % of a core; ${LIMIT} % are allowed`)
  if (cost > LIMIT) process.exitCode = 1
} else {
  if (kind === 'with') sample()
  else systemClock.every(1, () => {})
  process.send?.(await measure(Number(time)), () => process.disconnect())
}
