// Frames of CAN against bytes that a C compiler made of the kernel's structures (struct-bytes.c).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answerFilter,
  interfaceAddress,
  nodeOf,
  queryFrame,
} from '../../../../src/components/machine/peripherals/can-frames.ts'
import bytes from './struct-bytes.json' with { type: 'json' }

test('the bytes that go to the kernel', () => {
  assert.equal(queryFrame().toString('hex'), bytes.query)
  assert.equal(answerFilter().toString('hex'), bytes.filter)
  assert.equal(interfaceAddress(7).toString('hex'), bytes.address)
})

const read = (hex: string) => nodeOf(Buffer.from(hex, 'hex'))

test('nodes and their programs', () => {
  assert.deepEqual(read(bytes.klipper), { uuid: '11aabbccdd0e', application: 'Klipper' })
  assert.deepEqual(read(bytes.katapult), { uuid: '000102030405', application: 'Katapult' })
  assert.deepEqual(read(bytes.otherProgram), { uuid: '010101010101', application: 'Unknown' })
  assert.deepEqual(read(bytes.withoutProgram), { uuid: '020202020202', application: 'Unknown' })
})

test('other frames are no nodes', () => {
  const others = [bytes.tooShort, bytes.otherMessage, bytes.otherId, bytes.extendedId, bytes.query, '']
  assert.deepEqual(
    others.map(read),
    others.map(() => null),
  )
  // A length that no frame has.
  const tooLong = Buffer.from(bytes.klipper, 'hex')
  tooLong[4] = 255
  assert.deepEqual(nodeOf(tooLong), { uuid: '11aabbccdd0e', application: 'Klipper' })
})
