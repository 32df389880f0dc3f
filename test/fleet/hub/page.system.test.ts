// The page of a hub in a browser: hostile names, a selection, jobs, and the code of a new printer.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readCode } from '../../../src/fleet/contract/index.ts'
import { Chromium, noChromium } from '../../support/chromium.ts'
import { until } from '../../support/until.ts'
import { skip } from '../engine.ts'
import { FleetRig, GCODE } from './fleet-rig.ts'

const chromium = new Chromium()
after(() => chromium.close())

const NAME = '<img src=x onerror="document.title=1">'

test('the page of a hub', { skip: skip || noChromium }, async t => {
  await using rig = await FleetRig.start()
  const printers = await rig.addPrinters(3)
  const [hostile, second] = printers
  await rig.hub.call(`/fleet/printers/${hostile?.id}`, {
    name: NAME,
    labels: { address: 'javascript:alert(1)' },
  })
  await using opened = await chromium.open()
  const { page, problems } = opened
  await page.goto(rig.hub.url)
  await page.getByLabel('User').fill('admin')
  await page.getByLabel('Password').fill(rig.password)
  await page.getByRole('dialog').getByRole('button', { name: 'Log in' }).click()
  await page.getByText('3 printers').waitFor()

  await t.test('names are text, and addresses of other kinds are no links', async () => {
    const name = page.locator('.tile a').filter({ hasText: NAME })
    assert.equal(await name.getAttribute('href'), '#')
    assert.equal(await page.locator('.tile img[src="x"]').count(), 0)
    assert.equal(await page.title(), 'Fleet')
  })

  await t.test('tiles follow the printers', async () => {
    second?.set({ state: { klippy: 'shutdown', err: 'MCU lost' } })
    await page.getByText('MCU lost').waitFor()
  })

  await t.test('selected printers get a command together', async () => {
    await page.getByLabel('Select printer 3').check()
    await page.getByLabel(/^Select <img/).check()
    await page.getByText('2 selected').waitFor()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await until(() => printers[2]?.commands.includes('pause') && hostile?.commands.includes('pause'))
    assert.deepEqual(second?.commands, [])
  })

  await t.test(
    'on a phone the header takes less than a fifth of the screen, also with a selection',
    async () => {
      const desktop = page.viewportSize() ?? { width: 1280, height: 720 }
      const height = () => page.locator('header').evaluate(header => header.getBoundingClientRect().height)
      await page.setViewportSize({ width: 390, height: 844 })
      assert.ok((await height()) < 844 / 5, `${await height()} pixels`)
      await page.setViewportSize(desktop)
    },
  )

  await t.test('a file is printed on each selected printer, and the jobs are listed', async () => {
    await page.locator('#chosen-print').click()
    const file = { name: '<b>part</b>.gcode', mimeType: 'text/plain', buffer: Buffer.from(GCODE) }
    await page.getByLabel('G-code file').setInputFiles(file)
    await page.getByRole('dialog').getByRole('button', { name: 'Print' }).click()
    // The name has a slash, which no file of a printer may have.
    await page.getByRole('alert').filter({ hasText: 'name: 1 to 200 characters' }).waitFor()
    await page.getByLabel('G-code file').setInputFiles({ ...file, name: '<b>part.gcode' })
    await page.getByRole('dialog').getByRole('button', { name: 'Print' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.locator('#show-jobs').click()
    await page.locator('#jobs td').filter({ hasText: 'Done' }).nth(1).waitFor()
    assert.equal(await page.locator('#jobs td').filter({ hasText: '<b>part.gcode' }).count(), 2)
  })

  await t.test('a code for a new printer is shown', async () => {
    await page.getByRole('button', { name: 'Add printer' }).click()
    const code = await page.locator('.code').textContent()
    assert.equal(readCode(code ?? '')?.hub, rig.hub.url)
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  })

  await t.test('the page made no mistakes, and was kept from nothing', () => {
    // Requests that the hub refuses are shown by browsers as errors.
    assert.deepEqual(
      problems.filter(text => !/status of 40[01]/.test(text)),
      [],
    )
  })
})
