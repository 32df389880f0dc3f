// Takes the pictures of the documents from running servers: `npm run build && npm run pictures -- [--mainsail DIR]`.
// DIR is a build of Mainsail; without it its picture stays as it is. Needs chromium and ffmpeg.
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { type Client, connect } from '../src/client/index.ts'
import { Chromium, noChromium } from '../test/support/chromium.ts'
import { absent } from '../test/support/program.ts'
import { drawingOf, gcodeOf, type Vase } from './pictures/print-file.ts'
import { startServer, startWorkshop } from './pictures/servers.ts'
import { startInTerminal } from './pictures/terminal.ts'
import { record, takePicture } from './pictures/webp.ts'

const BUNDLE = fileURLToPath(new URL('../dist/moonraker.cjs', import.meta.url))
const FOLDER = fileURLToPath(new URL('../docs/pictures', import.meta.url))
const DESKTOP = { viewport: { width: 1240, height: 790 } }
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: 'dark' } as const
const FILM = { viewport: { width: 1000, height: 620 } }
/** The part of a print that is done in a picture. */
const DONE = 0.45
/** Seconds that a print has to come so far. */
const LIMIT = 240

const SMALL: Vase = {
  name: 'small dish.gcode',
  height: 12,
  radius: 24,
  waves: 12,
  depth: 0.05,
  twist: 0,
  colour: '#2a9d8f',
}
const LARGE: Vase = {
  name: 'twisted vase.gcode',
  height: 64,
  radius: 22,
  waves: 6,
  depth: 0.13,
  twist: 0.2,
  colour: '#e76f51',
}
/** The printers of the workshop: how fast each runs, and what it prints. */
const WORKSHOP: Readonly<Record<string, { speed: number; vase: Vase | null }>> = {
  'large-left': { speed: 40, vase: LARGE },
  'large-right': { speed: 25, vase: { ...LARGE, name: 'lamp shade.gcode', waves: 9, colour: '#e9c46a' } },
  small: { speed: 60, vase: SMALL },
  tall: { speed: 12, vase: { ...LARGE, name: 'planter.gcode', waves: 4, twist: 0.3, colour: '#8ab17d' } },
  spare: { speed: 10, vase: null },
}

const chromium = new Chromium()

/** The vase as a file; Chromium draws its thumbnail. */
async function fileOf(vase: Vase): Promise<Buffer> {
  await using open = await chromium.open({ viewport: { width: 300, height: 300 } })
  await open.page.setContent(`<style>body { margin: 0 }</style>${drawingOf(vase)}`)
  return Buffer.from(gcodeOf(vase, await open.page.screenshot({ omitBackground: true })))
}

async function print(url: string, vase: Vase): Promise<void> {
  const form = new FormData()
  form.set('file', new Blob([await fileOf(vase)]), vase.name)
  form.set('print', 'true')
  const { status } = await fetch(`${url}/server/files/upload`, { method: 'POST', body: form })
  if (status !== 201) throw new Error(`${url} refused the file with status ${status}`)
}

/** Waits until the printer is in a state, and has printed a part of its file. */
async function reach(client: Client, state: string, progress: number): Promise<void> {
  using limit = new DisposableStack()
  const { promise, resolve: done, reject } = Promise.withResolvers<void>()
  const tooLate = () => reject(new Error(`a printer is not '${state}' after ${LIMIT} s`))
  const timer = globalThis.setTimeout(tooLate, LIMIT * 1000)
  limit.defer(() => clearTimeout(timer))
  const mirror = await client.follow({ print_stats: ['state'], virtual_sdcard: ['progress'] })
  const check = () => {
    const { print_stats: stats, virtual_sdcard: card } = mirror.status
    if (stats?.state === state && Number(card?.progress) >= progress) done()
  }
  mirror.on('change', check)
  check()
  await promise
}

/** Opens a page in a browser of its own, waits for what `ready` waits for, and takes its picture. */
async function show(
  url: string,
  name: string,
  options: Parameters<Chromium['open']>[0],
  ready: (page: Page) => Promise<unknown>,
): Promise<void> {
  await using open = await chromium.open(options)
  await open.page.goto(url)
  await ready(open.page)
  await takePicture(open.page, join(FOLDER, name))
}

/** From `npm start` to a running print, then a longer print on the dashboard, on a screen and on a phone. */
async function takeDashboard(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const open = stack.use(await chromium.open(FILM))
  const { page } = open
  const file = { name: SMALL.name, mimeType: 'text/x-gcode', buffer: await fileOf(SMALL) }
  const { server, client } = await record(page, join(FOLDER, 'first-print.webp'), async () => {
    const server = stack.use(await startInTerminal(page, BUNDLE, ['--speed', '25']))
    const client = stack.use(await connect({ url: server.url.replace('http', 'ws') }))
    await page.goto(server.url)
    await page.getByText('No prints yet').first().waitFor()
    await setTimeout(1000)
    await page.locator('input[type=file]').first().setInputFiles(file)
    await page.getByText(/Uploaded, .+, prints in \d+ /).waitFor()
    await setTimeout(1500)
    await page.getByRole('button', { name: /^Print$/ }).click()
    await setTimeout(500)
    await page.evaluate('scrollTo({ top: 0, behavior: "smooth" })')
    await reach(client, 'printing', 0.3)
    return { server, client }
  })
  await reach(client, 'complete', 0)
  await print(server.url, LARGE)
  await reach(client, 'printing', DONE)
  const isLive = async (shown: Page) => {
    await shown.getByText(/^\d+ %$/).waitFor()
    await shown.locator('.print .picture').waitFor()
    await shown.evaluate("document.querySelector('.print .picture').decode()")
  }
  await show(server.url, 'dashboard.webp', DESKTOP, isLive)
  await show(server.url, 'dashboard-phone.webp', PHONE, isLive)
}

async function takeWorkshop(): Promise<void> {
  const names = Object.keys(WORKSHOP)
  const speeds = Object.fromEntries(names.map(name => [name, WORKSHOP[name]?.speed ?? 1]))
  await using server = await startWorkshop(BUNDLE, 'Back room', speeds)
  for (const [name, { vase }] of Object.entries(WORKSHOP)) {
    if (vase !== null) await print(`${server.url}/${name}`, vase)
  }
  using client = await connect({ url: `${server.url.replace('http', 'ws')}/large-left` })
  await reach(client, 'printing', DONE)
  await show(`${server.url}/`, 'workshop.webp', { viewport: { width: 1240, height: 450 } }, page =>
    page.getByText(/\d+ %/).first().waitFor(),
  )
}

async function takeMainsail(folder: string): Promise<void> {
  await using server = await startServer(BUNDLE, 25, [`[frontend mainsail]\npath: ${folder}`])
  using client = await connect({ url: server.url.replace('http', 'ws') })
  await print(server.url, LARGE)
  await reach(client, 'printing', DONE)
  await show(`${server.url}/`, 'mainsail.webp', { viewport: { width: 1400, height: 790 } }, async page => {
    await page.getByText('Temperatures').first().waitFor()
    // The thumbnail fades in.
    await page.waitForLoadState('networkidle')
    await setTimeout(2000)
  })
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { mainsail: { type: 'string' } } })
  const missing = [
    noChromium,
    absent('ffmpeg'),
    !existsSync(BUNDLE) && `${BUNDLE} is missing: run npm run build`,
  ]
  const { mainsail } = values
  if (mainsail !== undefined && !existsSync(join(mainsail, 'index.html'))) {
    missing.push(`--mainsail ${mainsail}: the folder has no index.html`)
  }
  const problems = missing.filter(reason => reason !== false)
  if (problems.length > 0) throw new Error(problems.join('; '))
  mkdirSync(FOLDER, { recursive: true })
  try {
    await takeDashboard()
    await takeWorkshop()
    if (mainsail !== undefined) await takeMainsail(resolve(mainsail))
  } finally {
    await chromium.close()
  }
}

try {
  await main()
} catch (error) {
  console.error(`pictures: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
