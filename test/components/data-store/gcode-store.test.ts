// The console's store and its bounds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GcodeStore } from '../../../src/components/data-store/gcode-store.ts'

function storeOf(size: number, ...messages: string[]): GcodeStore {
  const store = new GcodeStore(size)
  for (const [index, message] of messages.entries()) store.add('response', message, index)
  return store
}

const messagesOf = (store: GcodeStore, count?: number) =>
  store.reply(count).gcode_store.map(({ message }) => message)

test('the reply has the newest entries, oldest first', () => {
  const store = storeOf(3, 'a', 'b', 'c', 'd')
  assert.deepEqual(messagesOf(store), ['b', 'c', 'd'])
  assert.deepEqual(messagesOf(store, 2), ['c', 'd'])
  assert.deepEqual(messagesOf(store, 100), ['b', 'c', 'd'])
})

test('a count of 0 gives all entries; a negative one leaves out the oldest', () => {
  const store = storeOf(3, 'a', 'b', 'c', 'd')
  assert.deepEqual(messagesOf(store, 0), ['b', 'c', 'd'])
  assert.deepEqual(messagesOf(store, -1), ['c', 'd'])
  assert.deepEqual(messagesOf(store, -5), [])
})

test('an entry has its type and time', () => {
  const store = new GcodeStore(10)
  store.add('command', 'M117 one\nM117 two', 12.5)
  assert.deepEqual(store.reply(), {
    gcode_store: [{ message: 'M117 one\nM117 two', time: 12.5, type: 'command' }],
  })
})

test('a huge message is cut', () => {
  const [message = ''] = messagesOf(storeOf(10, `G1 ${'x'.repeat(10_000_000)}`))
  assert.equal(message.length, 64 * 1024)
  assert.match(message, /^G1 x+…$/)
})

test('many large messages together stay bounded', () => {
  const large = 'x'.repeat(60_000)
  const messages = messagesOf(
    storeOf(1000, ...Array.from({ length: 200 }, (_, index) => `${index} ${large}`)),
  )
  assert.ok(messages.join('').length <= 2 * 1024 * 1024)
  assert.ok(messages.length >= 30)
  assert.ok(messages.at(-1)?.startsWith('199 '))
})
