import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scope } from '../../src/core/scope.ts'

test('registrations are removed in reverse order, once', () => {
  const scope = new Scope()
  const gone: string[] = []
  const kept = scope.use({ remove: () => void gone.push('used') })
  scope.defer(() => void gone.push('deferred'))
  assert.equal(typeof kept.remove, 'function')
  scope.close()
  scope.close()
  assert.deepEqual(gone, ['deferred', 'used'])
})

test('a scope that was closed can be used again', () => {
  const scope = new Scope()
  const gone: number[] = []
  scope.defer(() => void gone.push(1))
  scope.close()
  scope.defer(() => void gone.push(2))
  scope.close()
  assert.deepEqual(gone, [1, 2])
})
