// A fleet under chaos: `node bench/fleet-chaos.ts --seconds S --seed N`. Hubs, engine and servers are killed and the network
// is cut at random, while jobs are ordered and printed; at the end the promises of the fleet are checked.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { serverBundle } from '../test/support/server-bundle.ts'
import { Failures, planOf, randomOf } from './chaos/failures.ts'
import { isInNamespaces, runInNamespaces } from './chaos/network.ts'
import { orderJobs } from './chaos/orders.ts'
import { check, settled } from './chaos/promises.ts'
import { Site } from './chaos/site.ts'

const HELP = `Usage: node bench/fleet-chaos.ts [options]

  --seconds S     how long there are failures (default 60)
  --seed N        which failures (default 1)
  --hubs N        hubs; the first one runs the engine (default 3)
  --servers N     real servers with virtual printers (default 3)
  --simulated N   simulated printers (default 30)
  --keep          keep the folder with all logs and data
  --help          print this

Ends with code 1 if a promise was broken. Runs in namespaces of its own: its network is not that of this machine.
`

function readOptions() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      hubs: { type: 'string', default: '3' },
      servers: { type: 'string', default: '3' },
      simulated: { type: 'string', default: '30' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const whole = (name: 'seconds' | 'seed' | 'hubs' | 'servers' | 'simulated') => {
    const value = Number(values[name])
    if (Number.isInteger(value) && value >= 1) return value
    throw new Error(`--${name} ${values[name]}: give a whole number above 0`)
  }
  return {
    seconds: whole('seconds'),
    seed: whole('seed'),
    hubs: whole('hubs'),
    servers: whole('servers'),
    simulated: whole('simulated'),
    keep: values.keep,
  }
}

type Options = NonNullable<ReturnType<typeof readOptions>>

/** Runs the chaos; resolves with whether all promises were kept. */
async function run(options: Options, folder: string): Promise<boolean> {
  const { seconds, seed } = options
  const problems: string[] = []
  const program = join(await serverBundle(), 'moonraker.cjs')
  const onProblem = (text: string) => problems.push(text)
  const site = await Site.start({ ...options, folder, program, onProblem })
  try {
    console.log(
      `seed ${seed}: ${options.hubs} hubs, ${options.servers} servers, ${options.simulated} simulated`,
    )
    const plan = planOf(
      options,
      site.nodes.map(({ name }) => name),
    )
    const failures = new Failures(site, text => console.log(text))
    failures.start(plan)
    const orders = await orderJobs(site.hubs, seconds, randomOf(seed + 1))
    failures.heal()
    console.log(`${plan.length} failures have ended, ${orders.length} jobs were ordered`)
    const start = performance.now()
    const isSettled = await settled(site)
    const waited = ((performance.now() - start) / 1000).toFixed(1)
    console.log(
      isSettled
        ? `all jobs had ended after ${waited} s`
        : `jobs are open, or hubs not ready, after ${waited} s`,
    )
    const { broken, counts, events } = await check(site, orders)
    console.log(`jobs: ${JSON.stringify(counts)}; events: ${events}`)
    for (const text of [...problems, ...broken]) console.log(`BROKEN  ${text}`)
    return problems.length + broken.length === 0
  } finally {
    await site.stop()
  }
}

async function main(): Promise<number> {
  const options = readOptions()
  if (options === null) {
    process.stdout.write(HELP)
    return 0
  }
  if (!isInNamespaces()) {
    const ended = await runInNamespaces()
    if (typeof ended === 'number') return ended
    console.log(`skipped, since this machine allows no namespaces: ${ended}`)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'fleet-chaos-'))
  const isKept = await run(options, folder)
  if (options.keep || !isKept) console.log(`logs and data: ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
  return isKept ? 0 : 1
}

process.exit(await main())
