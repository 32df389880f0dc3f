// Chromium without a window, controlled by Playwright. One browser serves all tests of a file; each test has pages of its own.
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { absent, programPath } from './program.ts'

const PROGRAM = 'chromium'

/** Why the browser cannot be used; false where it can. */
export const noChromium = absent(PROGRAM)

/** A page with its own cookies and storage. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** What the page did wrong, or was kept from: exceptions, refused scripts and loads, dialogs. */
  readonly problems: string[]
}

export class Chromium {
  #browser: Promise<Browser> | undefined

  /** Opens an empty page. The first call starts the browser. */
  async open(options: BrowserContextOptions = {}): Promise<OpenPage> {
    this.#browser ??= chromium.launch({
      executablePath: programPath(PROGRAM) ?? PROGRAM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        // WebRTC between two pages works without a network.
        '--allow-loopback-in-peer-connection',
        '--disable-features=WebRtcHideLocalIpsWithMdns',
      ],
    })
    const context = await (await this.#browser).newContext(options)
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', message => {
      if (message.type() === 'error') problems.push(message.text())
    })
    page.on('pageerror', error => problems.push(String(error)))
    page.on('dialog', dialog => {
      problems.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    // Less than the time limit of a test, and enough for a machine that runs many of them.
    page.setDefaultTimeout(60_000)
    return { page, context, problems, [Symbol.asyncDispose]: () => context.close() }
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close()
  }
}
