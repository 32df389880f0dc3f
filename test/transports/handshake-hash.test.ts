// The hash of the WebSocket handshake is SHA-1.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HandshakeHash } from '../../src/transports/handshake-hash.ts'

test('the reply of the example in RFC 6455, section 1.3', () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ=='
  const accept = new HandshakeHash().update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  assert.equal(accept, 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

test('SHA-1 of texts of each length up to three blocks', () => {
  for (let length = 0; length <= 192; length += 1) {
    const text = Array.from({ length }, (_, index) => String.fromCharCode((index * 89 + length) % 256)).join(
      '',
    )
    assert.equal(
      new HandshakeHash().update(text).digest('hex'),
      createHash('sha1').update(text).digest('hex'),
    )
  }
})
