// How late the server's event loop and its replies get while 20 entries of the update manager refresh side by side: 12
// repositories and 8 front-ends. Another process, which only has a timer, shows what the load of the machine adds.
// Usage: node bench/update-refresh.ts [RUNS]
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { GitRepos, publishApp } from '../test/support/git-repos.ts'
import { ReleaseServer } from '../test/support/release-server.ts'
import { WebClient } from '../test/support/web-client.ts'
import { sleep } from './load.ts'
import { startInProcess } from './server-in-process.ts'

const REPOSITORIES = 12
const FRONT_ENDS = 8
/** Calls of each method in a second. */
const PACE = 50
const METHODS = ['server.info', 'machine.update.status']
/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 1
/** Milliseconds that a reply, and the event loop, may be late. */
const LIMIT = 50

/** Measures the event loop of this process from now on; the result is its longest delay in milliseconds. */
function watchEventLoop(): () => number {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
  delay.enable()
  return () => {
    delay.disable()
    return delay.max / 1e6 - RESOLUTION
  }
}

/** Calls the server at the pace until a message arrives; reports the longest time to a reply in milliseconds. */
async function callServer(url: string): Promise<void> {
  using client = await WebClient.open(url)
  let hasEnded = false
  process.once('message', () => {
    hasEnded = true
  })
  process.send?.('ready')
  const calls: Promise<number>[] = []
  const timed = async (method: string) => {
    const start = performance.now()
    await client.call(method)
    return performance.now() - start
  }
  for (let number = 0; !hasEnded; number += 1) {
    calls.push(timed(METHODS[number % METHODS.length] as string))
    await sleep(1 / PACE / METHODS.length)
  }
  const times = await Promise.all(calls)
  process.send?.({ longest: Math.max(...times), calls: times.length })
}

/** Has only a timer. */
async function waitIdle(): Promise<void> {
  process.send?.('ready')
  const longest = watchEventLoop()
  await once(process, 'message')
  process.send?.({ longest: longest() })
}

async function startChild(...args: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), args)
  await once(child, 'message')
  return child
}

async function resultOf(child: ChildProcess): Promise<{ readonly longest: number; readonly calls: number }> {
  child.send('over')
  const [result] = await once(child, 'message')
  child.disconnect()
  return result
}

/** The sections, with their installations: repositories three commits behind, front-ends one release behind. */
function prepareEntries(repos: GitRepos, releases: ReleaseServer): string {
  const at = publishApp(repos)
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, number) => `${kind}${number}`)
  const repositories = names('repository', REPOSITORIES).map(name => {
    repos.clone('app.git', name, at(137))
    return `[update_manager ${name}]\ntype: git_repo\nis_system_service: False\npath: ${repos.path(name)}\norigin: ${repos.path('app.git')}\n`
  })
  const frontEnds = names('page', FRONT_ENDS).map(name => {
    releases.repos.set(`dummy/${name}`, [{ tag: 'v1.1.0', assets: { 'page.zip': Buffer.from('') } }])
    mkdirSync(repos.path(name))
    const info = { project_name: name, project_owner: 'dummy', version: 'v1.0.0' }
    writeFileSync(repos.path(name, 'release_info.json'), JSON.stringify(info))
    return `[update_manager ${name}]\ntype: web\nrepo: dummy/${name}\npath: ${repos.path(name)}\n`
  })
  const general = `[update_manager]\nenable_system_updates: False\nrelease_api: ${releases.url}\n`
  return [general, ...repositories, ...frontEnds].join('')
}

async function measure(url: string): Promise<void> {
  const [caller, idle] = await Promise.all([startChild('caller', url), startChild('idle')])
  using client = await WebClient.open(url)
  const longest = watchEventLoop()
  const start = performance.now()
  const { result, error } = await client.call('machine.update.refresh')
  const seconds = (performance.now() - start) / 1000
  const own = longest()
  if (error !== undefined) throw new Error(error.message)
  const behind = Object.values<{ commits_behind_count?: number }>(result.version_info)
  const known = behind.filter(({ commits_behind_count }) => commits_behind_count === 3).length
  if (known !== REPOSITORIES) throw new Error(`${known} of ${REPOSITORIES} repositories were read`)
  const [calls, machine] = await Promise.all([resultOf(caller), resultOf(idle)])
  const ms = (value: number) => `${value.toFixed(1)} ms`
  console.log(
    `refreshed in ${seconds.toFixed(1)} s; longest reply of ${calls.calls}: ${ms(calls.longest)}; event loop of the ` +
      `server late by at most ${ms(own)}, of an idle process by ${ms(machine.longest)}`,
  )
  if (own > LIMIT && own > 2 * machine.longest) process.exitCode = 1
}

async function main(runs: number): Promise<void> {
  using repos = new GitRepos()
  await using releases = await ReleaseServer.start()
  const conf = prepareEntries(repos, releases)
  const trust = '[authorization]\ntrusted_clients: 127.0.0.1\n'
  await using server = await startInProcess(
    undefined,
    `${trust}[announcements]\nenable_moonlight: False\n${conf}`,
  )
  {
    // The first refresh, which the start requests.
    using client = await WebClient.open(server.url)
    await client.notified('notify_update_refreshed')
  }
  for (let run = 0; run < runs; run += 1) await measure(server.url)
}

const [what = '5', url = ''] = process.argv.slice(2)
if (what === 'caller') await callServer(url)
else if (what === 'idle') await waitIdle()
else await main(Number(what))
