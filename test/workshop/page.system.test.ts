// The page of a workshop in a browser: tiles that follow the printers, commands, and logins.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect } from '../../src/client/index.ts'
import { Chromium, noChromium } from '../support/chromium.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { until } from '../support/until.ts'
import { startWorkshopRig } from '../support/workshop.ts'

const chromium = new Chromium()
after(() => chromium.close())

test('the page of a workshop', { skip: noChromium }, async t => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: { main: { authorization: 'force_logins: True' }, two: {} },
    workshop: 'main: main\ntitle: Back room',
    klippySockets: new Map([['two', klippy.path]]),
  })
  await rig.until('two', ({ klippy_state }) => klippy_state === 'ready')
  {
    using client = await connect({ url: rig.paths('main').socket })
    await client.call('access.post_user', { username: 'anna', password: 'secret' })
  }
  await using opened = await chromium.open()
  const { page, problems } = opened
  await page.goto(rig.url)

  await t.test('it demands the login of the main printer, and shows all printers', async () => {
    await page.getByLabel('User').fill('anna')
    await page.getByLabel('Password').fill('secret')
    await page.getByRole('dialog').getByRole('button', { name: 'Log in' }).click()
    await page.getByText('2 printers').waitFor()
    assert.equal(await page.title(), 'Back room')
  })

  const tile = page.locator('.tile').filter({ hasText: 'two' })

  await t.test('tiles follow the printers', async () => {
    klippy.pushAll({ print_stats: { state: 'printing', filename: 'part.gcode' } })
    await tile.getByText('part.gcode').waitFor()
  })

  await t.test('a command goes to the printer, with the rights of its own users', async () => {
    await tile.getByRole('button', { name: 'Pause' }).click()
    await until(() => klippy.count('pause_resume/pause') === 1)
  })

  await t.test('a new printer appears, and one that is removed leaves', async () => {
    rig.writeConf('three', {})
    rig.writeWorkshop({
      printers: { main: {}, three: {} },
      workshop: 'main: main\ntitle: Back room',
    })
    await rig.workshop.reload()
    await page.locator('.tile').filter({ hasText: 'three' }).waitFor()
    await tile.waitFor({ state: 'detached' })
  })

  await t.test('the page made no mistakes, and was kept from nothing', () => {
    assert.deepEqual(
      problems.filter(text => !/status of 401/.test(text)),
      [],
    )
  })
})
