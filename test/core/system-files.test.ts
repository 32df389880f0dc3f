import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { SystemFiles } from '../../src/core/system-files.ts'
import { MachineFolder } from '../support/machine-folder.ts'

const MOST = 256 * 1024

test('texts are without surrounding white space and NULs', async () => {
  using machine = new MachineFolder({
    '/model': 'Raspberry Pi 3\0',
    '/names': 'raspberrypi,3\0brcm,bcm2837\0',
    '/value': '  7 \n\n',
    '/empty': '',
    '/spoiled': '\0'.repeat(100_000),
  })
  const { files } = machine
  assert.equal(await files.text('/model'), 'Raspberry Pi 3')
  assert.equal(await files.text('/names'), 'raspberrypi,3\0brcm,bcm2837')
  assert.equal(await files.text('/value'), '7')
  for (const path of ['/empty', '/spoiled', '/missing', '/', '/model/below'])
    assert.equal(await files.text(path), null, path)
  assert.equal(await files.firstText('/missing', '/spoiled', '/value', '/model'), '7')
})

test('a file is read in parts to its end, but only to the size limit', async () => {
  using machine = new MachineFolder({ '/long': 'x'.repeat(5000), '/huge': 'y'.repeat(MOST + 1) })
  assert.equal((await machine.files.text('/long'))?.length, 5000)
  assert.equal((await machine.files.text('/huge'))?.length, MOST)
  machine.link('/endless', '/dev/zero')
  assert.equal(await machine.files.text('/endless'), null)
  assert.equal(
    (await new SystemFiles('').text('/proc/self/maps'))?.split('\n').at(-1)?.includes('vsyscall'),
    true,
  )
})

test('a pipe does not block, with or without a writer', async () => {
  using machine = new MachineFolder()
  execFileSync('mkfifo', [`${machine.root}/pipe`])
  assert.equal(await machine.files.text('/pipe'), null)
  const writer = openSync(`${machine.root}/pipe`, 'r+')
  assert.equal(await machine.files.text('/pipe'), null)
  writeSync(writer, 'half')
  assert.equal(await machine.files.text('/pipe'), null)
})

test('bytes that are not text, and link loops', async () => {
  using machine = new MachineFolder()
  machine.write('/garbage', Buffer.from([0xff, 0, 0xfe, 0x41]))
  machine.link('/a', 'b')
  machine.link('/b', 'a')
  const { files } = machine
  assert.equal(await files.text('/garbage'), '\ufffd\0\ufffdA')
  assert.deepEqual(
    [await files.text('/a'), await files.real('/a'), await files.exists('/a')],
    [null, null, false],
  )
  assert.match(await files.follow('/a'), /^\/[ab]$/)
})

test('a number is an integer, alone in its file', async () => {
  const texts = {
    '12\n': 12,
    '-5000': -5000,
    '0x1003': 0x1003,
    '1.5': null,
    '12 13': null,
    '': null,
    x: null,
  }
  for (const [text, number] of Object.entries({ ...texts, ['9'.repeat(400)]: null })) {
    using machine = new MachineFolder({ '/number': text })
    assert.equal(await machine.files.number('/number'), number, text)
  }
})

test('names are sorted by their numbers, and a missing folder has none', async () => {
  using machine = new MachineFolder({ '/sys/tty10': '', '/sys/tty2': '', '/sys/a': '' })
  assert.deepEqual(await machine.files.names('/sys'), ['a', 'tty2', 'tty10'])
  assert.deepEqual(await machine.files.names('/missing'), [])
  assert.deepEqual(await machine.files.names('/sys/a'), [])
})

test('links lead to paths of the same machine', async () => {
  using machine = new MachineFolder({ '/usr/lib/thing': '' })
  machine.link('/usr/bin/thing', '../lib/thing')
  machine.link('/first', '/usr/bin/thing')
  machine.link('/outside', '/etc')
  const { files } = machine
  assert.equal(await files.follow('/first'), '/usr/lib/thing')
  assert.equal(await files.real('/usr/bin/thing'), '/usr/lib/thing')
  assert.equal(await files.real('/outside'), null)
})
