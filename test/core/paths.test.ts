import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DATA_FOLDERS, dataPaths, expandPath } from '../../src/core/paths.ts'

test('a written path becomes absolute', () => {
  assert.equal(expandPath('~'), homedir())
  assert.equal(expandPath('~/a/../b'), join(homedir(), 'b'))
  assert.equal(expandPath('/a/./b/'), '/a/b')
  assert.equal(expandPath('a/b', '/base'), '/base/a/b')
  assert.equal(expandPath('../b', '/base/x'), '/base/b')
  assert.equal(expandPath('~user/a', '/base'), '/base/~user/a')
  assert.equal(expandPath('a'), join(process.cwd(), 'a'))
})

test('every path is below the data folder, unless the command line moves it', () => {
  const paths = dataPaths('/data')
  for (const path of Object.values(paths)) assert.ok(path === '/data' || path.startsWith('/data/'))
  assert.equal(paths.configFile, '/data/config/moonraker.conf')
  assert.equal(paths.socket, '/data/comms/moonraker.sock')
  assert.deepEqual([...DATA_FOLDERS].sort(), [
    'backup',
    'certs',
    'comms',
    'config',
    'database',
    'gcodes',
    'logs',
  ])
  const moved = dataPaths('/data', { configFile: '/etc/m.conf', socket: '/run/m.sock' })
  assert.deepEqual(
    [moved.configFile, moved.socket, moved.config],
    ['/etc/m.conf', '/run/m.sock', '/data/config'],
  )
})
