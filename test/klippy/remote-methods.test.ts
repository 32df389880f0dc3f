import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Printer } from '../../src/klippy/printer.ts'
import { FakeKlippy, Refusal } from '../support/fake-klippy.ts'
import { HandClock } from '../support/hand-clock.ts'
import { printerAt, strictEvents } from '../support/printer-at.ts'

/** A session without a server, its log, and a promise for each time that Klippy is ready. */
class Line implements Disposable {
  readonly clock = new HandClock()
  readonly logged = new EventTarget()
  readonly log: string[] = []
  readonly session: Printer['session']
  readonly #events = strictEvents()

  constructor(path: string) {
    const log = (line: string) => {
      this.log.push(line)
      this.logged.dispatchEvent(new Event('line'))
    }
    this.session = printerAt(path, { events: this.#events, clock: this.clock, log }).session
  }

  ready(): Promise<void> {
    return new Promise(resolve => {
      const registration = this.#events.on('klippy:ready', () => {
        registration.remove()
        resolve()
      })
    })
  }

  [Symbol.dispose](): void {
    this.session.stop()
  }
}

test('remote methods are registered when Klippy is ready, and after each of its restarts', async () => {
  await using klippy = await FakeKlippy.start()
  using line = new Line(klippy.path)
  line.session.addRemoteMethod('notify', () => {})
  for (const [name, taken] of [
    ['notify', true],
    ['process_status_update', true],
    ['other', false],
  ] as const) {
    assert.equal(line.session.hasRemoteMethod(name), taken, name)
  }
  let ready = line.ready()
  line.session.start()
  await ready
  const expected = { remote_method: 'notify', response_template: { method: 'notify' } }
  assert.deepEqual(await klippy.waitFor('register_remote_method'), expected)
  line.session.addRemoteMethod('later', () => {})
  assert.equal((await klippy.waitFor('register_remote_method', 2)).remote_method, 'later')
  ready = line.ready()
  klippy.drop()
  await line.clock.waitFor(0.25)
  line.clock.pass(0.25)
  await ready
  const again = [3, 4].map(async time => (await klippy.waitFor('register_remote_method', time)).remote_method)
  assert.deepEqual(await Promise.all(again), ['notify', 'later'])
})

test('Klippy calls a method with parameters, until it is removed', async () => {
  await using klippy = await FakeKlippy.start()
  using line = new Line(klippy.path)
  const calls: unknown[] = []
  const called = new EventTarget()
  line.session.addRemoteMethod('notify', params => {
    calls.push(params)
    called.dispatchEvent(new Event('call'))
  })
  const ready = line.ready()
  line.session.start()
  await ready
  klippy.call('notify', { message: 'hello' })
  await once(called, 'call')
  assert.deepEqual(calls, [{ message: 'hello' }])
  line.session.removeRemoteMethod('notify')
  klippy.call('notify', { message: 'again' })
  await once(line.logged, 'line')
  assert.equal(calls.length, 1)
  assert.match(line.log.at(-1) ?? '', /remote method notify/)
})

test('the log names a method that fails, and one that Klippy refuses', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('register_remote_method', () => {
    throw new Refusal('no such thing')
  })
  using line = new Line(klippy.path)
  line.session.addRemoteMethod('sync', () => {
    throw new Error('sync trouble')
  })
  line.session.addRemoteMethod('later', () => Promise.reject(new Error('later trouble')))
  line.session.start()
  while (!/cannot register later/.test(line.log.join())) await once(line.logged, 'line')
  klippy.call('sync', {})
  klippy.call('later', {})
  while (!/later trouble/.test(line.log.join())) await once(line.logged, 'line')
  assert.match(line.log.join('\n'), /remote method sync: sync trouble/)
})
