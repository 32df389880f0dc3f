// `npm start` in a terminal that a page shows: the command as it is typed, and what it prints when it prints it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { ownServer } from '../../bench/server-process.ts'
import { QUIET, type RunningServer } from './servers.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What the server prints once it can be used. */
const UP = /is up: (http\S+)[\s\S]*Ctrl-C/
/** Milliseconds between two keys, before the command starts, and after it is up. */
const KEY = 60
const PAUSE = 400
const READ = 2000

const TERMINAL = `<style>
  body { margin: 0; padding: 20px 24px; background: #14181d; color: #dfe5ec }
  pre { margin: 0; font: 15px/1.5 'DejaVu Sans Mono', monospace; white-space: pre-wrap; overflow-wrap: anywhere }
</style><pre>$ </pre>`

/** Runs `npm start` with these arguments and a temporary data folder. Resolves when a reader has seen its output. */
export async function startInTerminal(
  page: Page,
  bundle: string,
  args: readonly string[],
): Promise<RunningServer> {
  const target = await ownServer(QUIET, bundle)
  const print = (text: string) =>
    page.evaluate(`document.querySelector('pre').append(${JSON.stringify(text)})`)
  await page.setContent(TERMINAL)
  for (const key of ['npm', 'start', ...(args.length === 0 ? [] : ['--', ...args])].join(' ')) {
    await print(key)
    await setTimeout(KEY)
  }
  await setTimeout(PAUSE)
  await print('\n')
  // A group of its own: npm starts further processes.
  const child = spawn('npm', ['start', '--', ...args], {
    cwd: ROOT,
    env: { ...process.env, MOONRAKER_DATA_PATH: target.command?.at(-1) },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const exited = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid)
    await exited
    target.clean()
  }
  let output = ''
  try {
    for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      output += chunk
      await print(chunk as string)
      if (UP.test(output)) break
    }
    const [, url] = UP.exec(output) ?? []
    if (url === undefined) throw new Error('npm start ended before the server was up')
    child.stdout.resume()
    await setTimeout(READ)
    return { url, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}
