// A browser without a window, controlled by the Chrome DevTools Protocol.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { absent } from '../support/program.ts'
import type { Frame } from '../support/web-client.ts'

const PROGRAM = 'chromium'

/** Why the browser cannot be used; false where it can. */
export const noBrowser = absent(PROGRAM)

/** Seconds until something that does not come about on a page fails. */
const TIMEOUT = 20

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--remote-debugging-port=0',
]

export class Browser implements AsyncDisposable {
  /** What the pages did wrong, or were kept from: exceptions, refused scripts and loads, dialogs. */
  readonly problems: string[] = []
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (reply: Frame) => void>()
  #lastId = 0

  private constructor(process: ChildProcess, folder: string, socket: WebSocket) {
    this.#process = process
    this.#folder = folder
    this.#socket = socket
    socket.on('message', data => this.#receive(JSON.parse((data as Buffer).toString())))
  }

  static async open(): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'browser-'))
    const process = spawn(PROGRAM, [...ARGUMENTS, `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const { host } = new URL(await addressIn(process))
    const pages = (await (await fetch(`http://${host}/json`)).json()) as Frame[]
    const socket = new WebSocket(pages.find(({ type }) => type === 'page').webSocketDebuggerUrl)
    await once(socket, 'open')
    const browser = new Browser(process, folder, socket)
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.#call(`${domain}.enable`)
    return browser
  }

  #receive({ id, method, params, ...reply }: Frame): void {
    if (id !== undefined) this.#waiting.get(id)?.(reply)
    else if (method === 'Runtime.exceptionThrown') this.problems.push(JSON.stringify(params.exceptionDetails))
    else if (method === 'Log.entryAdded') this.problems.push(params.entry.text)
    else if (method === 'Page.javascriptDialogOpening') this.problems.push(`dialog: ${params.message}`)
  }

  async #call(method: string, params: object = {}): Promise<Frame> {
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<Frame>()
    this.#waiting.set(id, resolve)
    this.#socket.send(JSON.stringify({ id, method, params }))
    const { result, error } = await promise
    assert.equal(error, undefined)
    return result
  }

  /** Goes to a page; what it loads may not be there yet. */
  async show(url: string): Promise<void> {
    // Else only what follows '#' might be another.
    await this.#call('Page.navigate', { url: 'about:blank' })
    await this.#call('Page.navigate', { url })
  }

  /** The value of `expression` on the page, once it is neither nothing nor false. */
  async until(expression: string): Promise<Frame> {
    const look = `new Promise((resolve, reject) => {
      const end = performance.now() + ${TIMEOUT * 1000}
      const look = () => {
        const value = ${expression}
        if (value) resolve(value)
        else if (performance.now() > end) reject(new Error('not in ${TIMEOUT} s'))
        else requestAnimationFrame(look)
      }
      look()
    })`
    const { result, exceptionDetails } = await this.#call('Runtime.evaluate', {
      expression: look,
      awaitPromise: true,
      returnByValue: true,
    })
    assert.equal(exceptionDetails, undefined, expression)
    return result.value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#socket.terminate()
    this.#process.kill()
    await ended
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The address that the browser prints on its standard error. */
async function addressIn({ stderr }: ChildProcess): Promise<string> {
  assert.ok(stderr)
  let text = ''
  for await (const chunk of stderr) {
    text += chunk
    const [address] = /ws:\/\/\S+(?=\s)/.exec(text) ?? []
    if (address !== undefined) return address
  }
  throw new Error(`the browser does not start: ${text}`)
}
