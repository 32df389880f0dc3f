// An update on a disk that becomes full leaves the running version, and frees what it has taken.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SCENE = fileURLToPath(new URL('full-disk.ts', import.meta.url))
const NAMESPACE = ['--user', '--map-root-user', '--mount']
const isPossible = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0

test('a disk that becomes full', { skip: !isPossible && 'no mount namespaces' }, () => {
  const { status, stderr } = spawnSync('unshare', [...NAMESPACE, process.execPath, SCENE], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
})
