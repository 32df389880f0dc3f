// How long a front-end takes from its address to a text on its page, in headless Chromium, for several addresses in
// turn: `node bench/dashboard.ts --text Temperatures --runs 9 http://127.0.0.1:7125/ http://127.0.0.1:8080/`.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const LIMIT_SECONDS = 60

/** Chromium's own protocol, as far as it is needed here: https://chromedevtools.github.io/devtools-protocol/ */
class Browser {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (reply: Record<string, unknown>) => void>()
  #nextId = 1

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as Record<string, unknown>
      this.#waiting.get(message.id as number)?.(message)
      this.#waiting.delete(message.id as number)
    })
  }

  static async connect(address: string): Promise<Browser> {
    const socket = new WebSocket(address)
    await once(socket, 'open')
    return new Browser(socket)
  }

  async call(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = this.#nextId++
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>()
    this.#waiting.set(id, resolve)
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }))
    const { result, error } = await promise
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`)
    return result as Record<string, unknown>
  }

  close(): void {
    this.#socket.close()
  }
}

/** Starts Chromium; gives the address of its protocol. */
async function launch(program: string, profile: string): Promise<[ChildProcess, string]> {
  const child = spawn(program, [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ])
  let text = ''
  for await (const part of child.stderr) {
    text += part
    const address = /listening on (ws:\S+)/.exec(text)?.[1]
    if (address !== undefined) return [child, address]
  }
  throw new Error(`${program} did not start: ${text.slice(-500)}`)
}

/** Milliseconds from the first request to the text, in a window without cookies, cache or storage. */
async function timeOnce(browser: Browser, url: string, text: string): Promise<number> {
  const { browserContextId } = await browser.call('Target.createBrowserContext')
  const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank', browserContextId })
  const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true })
  const session = sessionId as string
  const start = performance.now()
  await browser.call('Page.navigate', { url }, session)
  const isThere = `document.body?.innerText.includes(${JSON.stringify(text)}) === true`
  while (performance.now() - start < LIMIT_SECONDS * 1000) {
    const { result } = await browser.call('Runtime.evaluate', { expression: isThere }, session)
    if ((result as { value?: boolean }).value === true) {
      const time = performance.now() - start
      await browser.call('Target.disposeBrowserContext', { browserContextId })
      return time
    }
  }
  throw new Error(`${url} shows no '${text}' within ${LIMIT_SECONDS} s`)
}

async function main(): Promise<void> {
  const { values, positionals: urls } = parseArgs({
    allowPositionals: true,
    options: {
      text: { type: 'string', default: 'Temperatures' },
      runs: { type: 'string', default: '9' },
      chromium: { type: 'string', default: 'chromium' },
    },
  })
  const profile = mkdtempSync(join(tmpdir(), 'dashboard-'))
  const [child, address] = await launch(values.chromium, profile)
  const ended = once(child, 'exit')
  try {
    const browser = await Browser.connect(address)
    // The first of each fills the caches of the servers.
    for (const url of urls) await timeOnce(browser, url, values.text)
    const times = urls.map((): number[] => [])
    for (let run = 0; run < Number(values.runs); run += 1) {
      for (const [index, url] of urls.entries()) times[index]?.push(await timeOnce(browser, url, values.text))
    }
    for (const [index, url] of urls.entries()) {
      const sorted = times[index]?.toSorted((a, b) => a - b) ?? []
      const [min, median, max] = [0, sorted.length >> 1, sorted.length - 1].map(at =>
        Math.round(sorted[at] ?? 0),
      )
      console.log(`${url}: ${median} ms (${min}..${max}) until '${values.text}', ${sorted.length} runs`)
    }
    browser.close()
  } finally {
    child.kill()
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

await main()
