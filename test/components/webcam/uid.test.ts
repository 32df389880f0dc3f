// The uids of configured webcams are those of the original (made by Python's uuid5).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configuredUid } from '../../../src/components/webcam/uid.ts'

const ID = '0123456789abcdef0123456789abcdef'

test('a uid is computed from the instance id and the name of the webcam', () => {
  assert.equal(configuredUid(ID, 'front'), 'c93c2881-1521-5398-8717-c1cec31b6467')
  assert.equal(configuredUid(ID, 'Vörne 📷 a  b'), '74012982-bd79-5c99-b41a-730f1ae30193')
})

test('the instance id may have every form of a UUID', () => {
  for (const id of ['{01234567-89AB-cdef-0123-456789abcdef}', `urn:uuid:${ID}`]) {
    assert.equal(configuredUid(id, 'front'), configuredUid(ID, 'front'))
  }
})

test('a damaged instance id still gives stable uids', () => {
  const uid = configuredUid('not a number', 'front')
  assert.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(uid, configuredUid('not a number', 'front'))
  assert.notEqual(uid, configuredUid('another', 'front'))
})
