import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventBus } from '../../src/core/events.ts'

function bus() {
  const errors: [string, string][] = []
  return { errors, events: new EventBus((event, error) => errors.push([event, (error as Error).message])) }
}

test('listeners are run in their order, with what the event carries', () => {
  const { events } = bus()
  const heard: unknown[] = []
  events.on('klippy:gcode_response', line => void heard.push(['first', line]))
  events.on('klippy:gcode_response', line => void heard.push(['second', line]))
  events.on('klippy:ready', () => void heard.push('ready'))
  events.emit('klippy:gcode_response', 'ok')
  assert.deepEqual(heard, [
    ['first', 'ok'],
    ['second', 'ok'],
  ])
})

test('a listener that fails is reported and stops no other', async () => {
  const { events, errors } = bus()
  const heard: string[] = []
  events.on('klippy:ready', () => {
    throw new Error('at once')
  })
  events.on('klippy:ready', () => Promise.reject(new Error('later')))
  events.on('klippy:ready', () => void heard.push('last'))
  events.emit('klippy:ready')
  await new Promise(setImmediate)
  assert.deepEqual(heard, ['last'])
  assert.deepEqual(errors, [
    ['klippy:ready', 'at once'],
    ['klippy:ready', 'later'],
  ])
})

test('who is removed hears nothing more, even in the middle of an event', () => {
  const { events } = bus()
  const heard: string[] = []
  const first = events.on('klippy:ready', () => {
    heard.push('first')
    second.remove()
  })
  const second = events.on('klippy:ready', () => void heard.push('second'))
  events.emit('klippy:ready')
  first.remove()
  events.emit('klippy:ready')
  assert.deepEqual(heard, ['first'])
})

test('an event that nobody hears does nothing', () => {
  const { events, errors } = bus()
  events.emit('klippy:disconnected')
  assert.deepEqual(errors, [])
})
