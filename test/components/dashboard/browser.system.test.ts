// The dashboard in a browser, on the virtual printer.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import { connect } from '../../../src/client/index.ts'
import { violations } from '../../support/accessibility.ts'
import { Chromium, noChromium } from '../../support/chromium.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { type Rig, startRig } from '../../support/rig.ts'

const EVIL = '<img src=x onerror=alert(1)>'
const LONG = `${'a_very_long_name_'.repeat(12)}.gcode`
const PHONE = { viewport: { width: 320, height: 640 } }

const PART = `G28\n${'G1 X50 Y50 F6000\nG1 X60 Y50 F600\n'.repeat(20)}`

const chromium = new Chromium()
after(() => chromium.close())

/** The state in the head of the page. */
const state = (page: Page, text: string) => page.locator('#state', { hasText: text }).waitFor()
const action = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

async function addUser({ socketPath }: Rig, username: string, role: 'viewer' | 'admin'): Promise<void> {
  using client = await connect({ url: socketPath })
  await client.call('access.post_user', { username, password: 'secret', role })
}

async function logIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('dialog').getByRole('button', { name: 'Log in' }).click()
}

/** Drops a file with the content `PART` on the page. */
function drop(page: Page, name: string): Promise<unknown> {
  return page.evaluate(`{
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([${JSON.stringify(PART)}], '${name}'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  }`)
}

/** Uploads a file with the content `PART`. */
async function upload({ url }: Rig, name: string): Promise<void> {
  const form = new FormData()
  form.set('file', new Blob([PART]), name)
  const { status } = await fetch(`${url}/server/files/upload`, { method: 'POST', body: form })
  assert.equal(status, 201)
}

/** A picture of one pixel. */
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

/** A streamer that sends one picture to every request. */
async function startCamera() {
  const server = createServer((_, res) => {
    res.writeHead(200, { 'Content-Type': 'image/gif' }).end(PICTURE)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => void server.close(),
  }
}

describe('the dashboard', { skip: noChromium, concurrency: 4 }, () => {
  test('a dropped file is uploaded, printed and listed', async () => {
    await using rig = await startRig({ speed: 60 })
    await using open = await chromium.open()
    const { page, problems } = open
    await page.goto(rig.url)
    await page.getByText('No prints yet: drop a G-code file here.').first().waitFor()
    await drop(page, 'notes.txt')
    await page.getByText('This is no G-code file').waitFor()
    await drop(page, 'part.gcode')
    await page.getByText(/Uploaded, .+, prints in \d+ /).waitFor()
    await action(page, /^Print$/).click()
    await state(page, 'Print complete')
    await page.getByRole('listitem').filter({ hasText: 'Completed' }).getByText('part.gcode').waitFor()
    assert.deepEqual(problems, [])
  })

  test('values are live, and a print can be paused, resumed and cancelled', async () => {
    await using klippy = await FakeKlippy.start()
    klippy.endpoints = [
      ...klippy.endpoints,
      'pause_resume/pause',
      'pause_resume/resume',
      'pause_resume/cancel',
    ]
    klippy.change('print_stats', { state: 'printing', filename: 'sub/part.gcode', print_duration: 60 })
    for (const [name, next] of [
      ['pause', 'paused'],
      ['resume', 'printing'],
      ['cancel', 'cancelled'],
    ] as const) {
      klippy.answer(`pause_resume/${name}`, () => {
        klippy.push('print_stats', { state: next })
        return {}
      })
    }
    await using rig = await startRig({ klippySocket: klippy.path, ready: true })
    await using open = await chromium.open()
    const { page, problems } = open
    await page.goto(rig.url)
    await page.getByText('21.5 °C').waitFor()
    klippy.push('extruder', { temperature: 199.9, target: 200 })
    await page.getByText('199.9 °C').waitFor()
    await page.getByText('→ 200°').waitFor()
    await action(page, 'Pause').click()
    await state(page, 'Paused')
    assert.match(await page.title(), /^\d+ % Paused/)
    assert.deepEqual(await violations(page), [])
    await action(page, 'Resume').click()
    await state(page, 'Printing')
    await action(page, 'Cancel').click()
    await action(page, 'Back').click()
    await action(page, 'Cancel').click()
    await action(page, 'Cancel the print').click()
    await state(page, 'Print cancelled')
    assert.deepEqual(problems, [])
  })

  test('an emergency stop needs a hold; the page then shows the reason, and restarts Klipper', async () => {
    await using rig = await startRig()
    await using open = await chromium.open()
    const { page, problems } = open
    await page.goto(rig.url)
    await state(page, 'Ready')
    const stop = page.locator('.hold')
    await stop.click()
    await stop.getByText('Hold for a second').waitFor()
    await state(page, 'Ready')
    await stop.focus()
    await page.keyboard.down('Enter')
    await state(page, 'Klipper has shut down')
    await page.keyboard.up('Enter')
    await page.getByText('Shutdown due to webhooks request').waitFor()
    assert.deepEqual(await violations(page), [])
    await action(page, 'Restart firmware').click()
    await state(page, 'Ready')
    // A program that reads the screen clicks without a press.
    await stop.dispatchEvent('click')
    await page.getByRole('dialog').getByText('Stop the printer at once?').waitFor()
    await action(page, 'Back').click()
    assert.deepEqual(problems, [])
  })

  test('users log in, and stay logged in after a reload', async () => {
    await using rig = await startRig({ authorization: 'force_logins: True\ntrusted_clients: 127.0.0.1' })
    await addUser(rig, 'me', 'admin')
    await using open = await chromium.open({ colorScheme: 'dark' })
    const { page } = open
    await page.goto(rig.url)
    await page.getByRole('dialog').getByText('This server shows the printer to its users only.').waitFor()
    assert.deepEqual(await violations(page), [])
    await logIn(page, 'me', 'wrong')
    await page.getByText('Invalid Password').waitFor()
    await logIn(page, 'me', 'secret')
    await state(page, 'Ready')
    await page.reload()
    await state(page, 'Ready')
    await action(page, 'Log out').click()
    await page.getByRole('dialog').waitFor()
    await state(page, 'Not logged in')
  })

  test('a viewer sees everything, cameras that need a login too, and no button that acts', async () => {
    using camera = await startCamera()
    const conf =
      `[frontend mainsail]\npath: /nowhere\nprefix: /mainsail\nwebcams:\n  /cam/ = http://127.0.0.1:${camera.port}\n` +
      '[webcam front]\nstream_url: /cam/?action=stream'
    const authorization = 'force_logins: True\ntrusted_clients: 127.0.0.1'
    await using rig = await startRig({ authorization, conf })
    await addUser(rig, 'me', 'admin')
    await addUser(rig, 'guest', 'viewer')
    await using open = await chromium.open()
    const { page, problems } = open
    await page.goto(rig.url)
    await logIn(page, 'guest', 'secret')
    await page.getByText('guest, viewer').waitFor()
    await page.getByText('Nozzle').waitFor()
    await page.getByText('No prints yet.').waitFor()
    await page.getByAltText('Camera front').waitFor()
    const shown = await page.getByRole('button').allTextContents()
    assert.deepEqual(shown, ['Log out', 'Log of the server', 'Log of Klipper'])
    assert.equal(await page.locator('#files').isVisible(), false)
    assert.deepEqual(
      problems.filter(text => !text.includes('401')),
      [],
    )
  })

  test('names from files, sensors, cameras, warnings and Klipper are text', async () => {
    await using klippy = await FakeKlippy.start()
    const sensor = `temperature_sensor ${EVIL}`
    klippy.change('heaters', { available_sensors: ['extruder', sensor], available_monitors: [] })
    klippy.change(sensor, { temperature: 33 })
    klippy.change('print_stats', { state: 'printing', filename: `${EVIL}/x.gcode` })
    klippy.change('display_status', { message: EVIL })
    const conf = `[webcam ${EVIL}]\nstream_url: /none\nservice: ${EVIL}\n[unknown ${EVIL}]\n`
    await using rig = await startRig({ klippySocket: klippy.path, ready: true, conf })
    using client = await connect({ url: rig.socketPath })
    const name = `${EVIL.replaceAll('/', '')}.gcode`
    await client.call('server.info')
    await upload(rig, name)
    await client.call('server.job_queue.post_job', { filenames: [name], note: EVIL })
    await using open = await chromium.open()
    const { page, problems } = open
    await page.goto(rig.url)
    await page.getByText(`${EVIL}/x.gcode`).waitFor()
    for (const part of ['Camera', 'Queue', 'Temperatures']) {
      await page.getByRole('region', { name: part }).waitFor()
    }
    await page.getByText(`33.0 °C`).waitFor()
    await page.getByText('attention').waitFor()
    assert.deepEqual(
      await page.evaluate("[document.querySelectorAll('[onerror]').length, document.scripts.length]"),
      [0, 1],
    )
    assert.deepEqual(
      problems.filter(text => text.includes('dialog') || text.includes('Content Security Policy')),
      [],
    )
  })

  test('the queue starts the next job when the plate is clear', async () => {
    await using rig = await startRig({ speed: 60 })
    using client = await connect({ url: rig.socketPath })
    for (const name of ['first.gcode', 'second.gcode']) {
      await upload(rig, name)
    }
    await client.call('printer.print.start', { filename: 'first.gcode' })
    await using open = await chromium.open()
    const { page, problems } = open
    await page.goto(rig.url)
    await client.call('server.job_queue.post_job', { filenames: ['second.gcode'], note: 'for Anna' })
    await page.getByText(/for Anna, added just now/).waitFor()
    await action(page, 'Plate is clear: start next').click()
    await page.locator('.print-card').getByText('second.gcode').waitFor()
    await page.getByText('No jobs wait.').waitFor()
    assert.deepEqual(problems, [])
  })

  test('a phone of 320 px scrolls in one direction, with names of any length', async () => {
    await using klippy = await FakeKlippy.start()
    klippy.change('print_stats', { state: 'paused', filename: `sub/${LONG}`, message: '' })
    await using rig = await startRig({ klippySocket: klippy.path, ready: true, conf: `[unknown ${LONG}]` })
    await upload(rig, LONG)
    using client = await connect({ url: rig.socketPath })
    await client.call('server.job_queue.post_job', { filenames: [LONG] })
    await using open = await chromium.open({ ...PHONE, colorScheme: 'dark' })
    const { page } = open
    await page.goto(rig.url)
    await state(page, 'Paused')
    await page.getByText(LONG).first().waitFor()
    await page.getByText('21.5 °C').waitFor()
    assert.deepEqual(await page.evaluate('document.documentElement.scrollWidth'), 320)
    assert.deepEqual(await violations(page), [])
  })

  test('a page whose connection breaks shows that, and continues', async () => {
    await using klippy = await FakeKlippy.start()
    await using rig = await startRig({ klippySocket: klippy.path, ready: true })
    await using open = await chromium.open()
    const { page } = open
    let isCut = false
    const cut: (() => void)[] = []
    await page.routeWebSocket(/websocket/, socket => {
      if (isCut) return void socket.close()
      socket.connectToServer()
      cut.push(() => void socket.close())
    })
    await page.goto(rig.url)
    await page.getByText('21.5 °C').waitFor()
    isCut = true
    for (const close of cut) close()
    await page.getByText('The server does not respond. Reconnecting…').waitFor()
    await state(page, 'No connection')
    assert.equal(await action(page, 'Emergency stop').isVisible(), false)
    klippy.push('extruder', { temperature: 77 })
    isCut = false
    await page.getByText('77.0 °C').waitFor()
    await state(page, 'Ready')
    await action(page, 'Emergency stop').waitFor()
  })

  test('a front-end that nginx serves on the same machine has a link', async () => {
    await using rig = await startRig({ printer: 'none' })
    await using open = await chromium.open()
    const { page } = open
    const found = '"nginx_frontends":[{"name":"fluidd","scheme":"http","port":80}]'
    // The replies of a machine with nginx.
    await page.routeWebSocket(/websocket/, socket => {
      const server = socket.connectToServer()
      server.onMessage(message => socket.send(String(message).replace(/"nginx_frontends":\[.*?\]/, found)))
    })
    await page.goto(rig.url)
    const link = page.getByRole('link', { name: 'Open Fluidd' })
    await link.waitFor()
    assert.equal(await link.evaluate(({ href }: { readonly href: string }) => href), 'http://127.0.0.1/')
  })

  test('over a slow mobile network the page becomes live', async () => {
    await using rig = await startRig()
    await using open = await chromium.open(PHONE)
    const { page, context, problems } = open
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 400,
      downloadThroughput: 50_000,
      uploadThroughput: 50_000,
    })
    await page.goto(rig.url)
    await state(page, 'Ready')
    await page.getByText('Nozzle').waitFor()
    assert.deepEqual(problems, [])
  })
})
