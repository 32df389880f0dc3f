import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventBus } from '../../src/core/events.ts'

function bus() {
  const errors: [string, string][] = []
  return { errors, events: new EventBus((event, error) => errors.push([event, (error as Error).message])) }
}

test('listeners run in their order and receive the arguments of the event', () => {
  const { events } = bus()
  const received: unknown[] = []
  events.on('klippy:gcode_response', line => void received.push(['first', line]))
  events.on('klippy:gcode_response', line => void received.push(['second', line]))
  events.on('klippy:ready', () => void received.push('ready'))
  events.emit('klippy:gcode_response', 'ok')
  assert.deepEqual(received, [
    ['first', 'ok'],
    ['second', 'ok'],
  ])
})

test('a listener that fails is reported and stops no other', async () => {
  const { events, errors } = bus()
  const received: string[] = []
  events.on('klippy:ready', () => {
    throw new Error('at once')
  })
  events.on('klippy:ready', () => Promise.reject(new Error('later')))
  events.on('klippy:ready', () => void received.push('last'))
  events.emit('klippy:ready')
  await new Promise(setImmediate)
  assert.deepEqual(received, ['last'])
  assert.deepEqual(errors, [
    ['klippy:ready', 'at once'],
    ['klippy:ready', 'later'],
  ])
})

test('a removed listener receives nothing, even during an event', () => {
  const { events } = bus()
  const received: string[] = []
  const first = events.on('klippy:ready', () => {
    received.push('first')
    second.remove()
  })
  const second = events.on('klippy:ready', () => void received.push('second'))
  events.emit('klippy:ready')
  first.remove()
  events.emit('klippy:ready')
  assert.deepEqual(received, ['first'])
})

test('an event without listeners does nothing', () => {
  const { events, errors } = bus()
  events.emit('klippy:disconnected')
  assert.deepEqual(errors, [])
})
