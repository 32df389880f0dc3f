// The kernel's answers about interfaces: made by hand for CAN, which few machines have, and this machine's own.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseCanLink, queryCanLink } from '../../../../src/components/machine/system/can-link.ts'
import { loadSystemCalls } from '../../../../src/components/machine/system-calls.ts'

const NEW_LINK = 16
const ERROR = 2

/** struct rtattr with its content, filled up to four bytes. */
function attribute(type: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const head = Buffer.alloc(4)
  head.writeUInt16LE(body.length + 4, 0)
  head.writeUInt16LE(type, 2)
  return Buffer.concat([head, body, Buffer.alloc((4 - (body.length % 4)) % 4)])
}

/** struct nlmsghdr and struct ifinfomsg before attributes. */
function message(type: number, ...attributes: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt16LE(type, 4)
  return Buffer.concat([head, ...attributes])
}

function words(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer)
}

const NAME = attribute(3, Buffer.from('can0\0'))
const KIND = attribute(1, Buffer.from('can\0'))
/** struct can_bittiming: bitrate, sample point in thousandths, and what it is made of. */
const TIMING = attribute(1, words(500_000, 875, 125, 6, 7, 2, 1, 1))
const LIMITS = attribute(2, Buffer.from('mcp251x\0\0\0\0\0\0\0\0\0'), words(3, 16, 2, 8, 4, 1, 64, 1))
const STATE = attribute(4, words(0))

test('a CAN interface with its bitrate and its controller', () => {
  const info = attribute(18, KIND, attribute(2, STATE, TIMING, LIMITS))
  assert.deepEqual(parseCanLink(message(NEW_LINK, NAME, info)), { bitrate: 500_000, driver: 'mcp251x' })
})

test('one that has no bitrate yet', () => {
  const info = attribute(18, KIND, attribute(2, attribute(1, words(0, 0)), LIMITS))
  assert.deepEqual(parseCanLink(message(NEW_LINK, NAME, info)), { bitrate: null, driver: 'mcp251x' })
})

test('interfaces of other kinds', () => {
  const virtual = attribute(18, attribute(1, Buffer.from('vcan\0')))
  assert.deepEqual(parseCanLink(message(NEW_LINK, virtual)), { bitrate: null, driver: null })
  assert.deepEqual(parseCanLink(message(NEW_LINK, NAME)), { bitrate: null, driver: null })
})

test('answers that are errors, or cut off', () => {
  assert.throws(() => parseCanLink(message(ERROR)), /does not know/)
  assert.throws(() => parseCanLink(Buffer.alloc(0)), /does not know/)
  const whole = message(NEW_LINK, NAME, attribute(18, KIND, attribute(2, TIMING, LIMITS)))
  for (let length = 16; length < whole.length; length += 1) {
    const { driver } = parseCanLink(whole.subarray(0, length))
    assert.ok(driver === null || 'mcp251x'.startsWith(driver))
  }
})

test('an attribute that claims to have no length ends the reading', () => {
  assert.deepEqual(parseCanLink(message(NEW_LINK, Buffer.alloc(8))), { bitrate: null, driver: null })
})

const loaded = await loadSystemCalls()
const calls = async () => ('missing' in loaded ? null : loaded)

test('this machine answers about the loop, and not about what is not there', {
  skip: 'missing' in loaded,
}, async () => {
  const index = Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8'))
  assert.deepEqual(await queryCanLink(index, calls), { bitrate: null, driver: null })
  await assert.rejects(
    queryCanLink(index, async () => null),
    /no system calls to query the kernel with/,
  )
  await assert.rejects(queryCanLink(2 ** 31 - 1, calls), /does not know/)
})
