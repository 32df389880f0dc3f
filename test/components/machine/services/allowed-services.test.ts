import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Core } from '../../../../src/component/component.ts'
import {
  AllowedServices,
  DEFAULT_SERVICES,
  readServiceList,
} from '../../../../src/components/machine/services/allowed-services.ts'
import type { ProviderParts } from '../../../../src/components/machine/services/provider.ts'
import { Services } from '../../../../src/components/machine/services/services.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { testLog } from '../../../support/test-log.ts'

/** A moonraker.asvc, or its place, with what was logged of it. */
function place(text?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'asvc-'))
  const file = join(folder, 'moonraker.asvc')
  if (text !== undefined) writeFileSync(file, text)
  const lines: string[] = []
  const console = (line: string) => void lines.push(line)
  const log = testLog({ console, level: 'info' })
  return {
    file,
    lines,
    log,
    allowed: new AllowedServices(file, log),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

test('a missing file is written with the defaults', async () => {
  using there = place()
  await there.allowed.load()
  assert.deepEqual(readServiceList(readFileSync(there.file, 'utf8')), [...DEFAULT_SERVICES])
  assert.ok(there.allowed.includes('KlipperScreen'))
})

test('a file of the user is not changed, and replaces the defaults', async () => {
  const text = 'crowsnest\r\nmyservice.service\n\n  padded  \n'
  using there = place(text)
  await there.allowed.load()
  assert.equal(readFileSync(there.file, 'utf8'), text)
  for (const name of ['crowsnest', 'myservice', 'padded']) assert.ok(there.allowed.includes(name), name)
  assert.ok(!there.allowed.includes('KlipperScreen'))
})

test('Klipper and this server are allowed under any number', async () => {
  using there = place('')
  await there.allowed.load()
  for (const name of ['klipper', 'klipper-1', 'klipper_2', 'klipper@left', 'moonraker', 'moonraker_2']) {
    assert.ok(there.allowed.includes(name), name)
  }
  for (const name of ['Klipper', 'ssh', 'xklipper', 'klipper 1', 'klipper/1', 'klipper*', 'klipper\n', '']) {
    assert.ok(!there.allowed.includes(name), name)
  }
})

test('lines that cannot be a service are ignored', () => {
  const lines = [
    '# a comment',
    '-H root@host',
    'a b',
    'x;reboot',
    '$(id)',
    '../x',
    'ok',
    'ok',
    'x'.repeat(300),
  ]
  assert.deepEqual(readServiceList(lines.join('\n')), ['ok'])
})

test('a backslash in a name is itself in the patterns for systemd', async () => {
  using there = place('camera\\x2dleft\n')
  await there.allowed.load()
  assert.deepEqual(there.allowed.unitPatterns(), [
    'camera\\\\x2dleft.service',
    'klipper*.service',
    'moonraker*.service',
  ])
})

test('a file that cannot be read leaves the defaults, and the log contains the reason', async () => {
  using there = place()
  symlinkSync(there.file, there.file)
  await there.allowed.load()
  assert.ok(there.allowed.includes('crowsnest'))
  assert.match(there.lines.join(), /allowed services in .* cannot be read: ELOOP/)
})

test('a file that is no list is not read', async () => {
  using long = place('x\n'.repeat(100_000))
  await long.allowed.load()
  assert.match(long.lines.join(), /longer than 65536 bytes/)
  using pipe = place()
  execFileSync('mkfifo', [pipe.file])
  await pipe.allowed.load()
  assert.match(pipe.lines.join(), /it is no file/)
})

test('after a stop of the services nothing writes the file', async () => {
  using there = place()
  const { allowed, log } = there
  const core = { log, clock: systemClock } as Partial<Core> as Core
  const parts = { core, allowed, signal: AbortSignal.abort() } as Partial<ProviderParts> as ProviderParts
  const services = new Services('none', parts, async () => ({ virt_type: 'none', virt_identifier: 'none' }))
  services.start()
  await services.stop()
  assert.deepEqual(readServiceList(readFileSync(there.file, 'utf8')), [...DEFAULT_SERVICES])
})
