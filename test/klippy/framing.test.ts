import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameSplitter, FrameTooLarge, frame } from '../../src/klippy/framing.ts'

const texts = (messages: Buffer[]) => messages.map(message => message.toString())

test('messages come out whole, however the bytes are split', () => {
  const stream = Buffer.from(`${frame({ a: 1 })}${frame('ü☃')}${frame([])}`)
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const splitter = new FrameSplitter(100)
    const messages = [...splitter.push(stream.subarray(0, cut)), ...splitter.push(stream.subarray(cut))]
    assert.deepEqual(texts(messages), ['{"a":1}', '"ü☃"', '[]'])
  }
})

test('texts come out whole, however the bytes are split, from a buffer that is used again', () => {
  const stream = Buffer.from(`${frame('ü☃')}${frame([])}\x03${frame('é')}`)
  const buffer = Buffer.alloc(100)
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const splitter = new FrameSplitter(100)
    const texts = [stream.subarray(0, cut), stream.subarray(cut)].flatMap(bytes => {
      buffer.fill(3)
      bytes.copy(buffer)
      return splitter.pushTexts(buffer, bytes.length)
    })
    assert.deepEqual(texts, ['"ü☃"', '[]', '', '"é"'])
  }
})

test('single bytes form a message', () => {
  const splitter = new FrameSplitter(100)
  const messages = [...Buffer.from(frame({ long: 'message' }))].flatMap(byte =>
    splitter.push(Buffer.from([byte])),
  )
  assert.deepEqual(texts(messages), ['{"long":"message"}'])
})

test('empty messages are messages', () => {
  assert.deepEqual(texts(new FrameSplitter(10).push(Buffer.from('\x03\x03'))), ['', ''])
})

test('an unfinished message may be as long as the limit and no longer', () => {
  const splitter = new FrameSplitter(10)
  assert.deepEqual(splitter.push(Buffer.alloc(10, 'x')), [])
  assert.throws(() => splitter.push(Buffer.from('x')), FrameTooLarge)
})

test('the limit is counted for each message', () => {
  const splitter = new FrameSplitter(10)
  for (let round = 0; round < 5; round += 1) {
    splitter.push(Buffer.alloc(9, 'x'))
    assert.deepEqual(texts(splitter.push(Buffer.from('\x03'))), ['xxxxxxxxx'])
  }
})
