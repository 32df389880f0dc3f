// Log entries, in a folder of their own, on the console, and where the file cannot be written.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Log, type LogOptions } from '../../src/core/log.ts'
import { HandClock } from '../support/hand-clock.ts'

/** A log in a folder of its own. */
class Logged implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'log-'))
  readonly file = join(this.folder, 'moonraker.log')
  readonly lines: string[] = []

  open(options: Partial<LogOptions> = {}): Log {
    const console = (line: string) => void this.lines.push(line)
    const clock = new HandClock()
    return new Log({ clock, file: this.file, structured: false, level: 'info', console, ...options })
  }

  read(suffix = ''): string {
    return readFileSync(`${this.file}${suffix}`, 'utf8')
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

test('entries go to the file and the console, with time and level', () => {
  using logged = new Logged()
  const log = logged.open()
  log.info('hello')
  log.warning('careful')
  const text = '2023-11-14T22:13:20.000Z INFO    hello\n2023-11-14T22:13:20.000Z WARNING careful\n'
  assert.equal(logged.read(), text)
  assert.equal(`${logged.lines.join('\n')}\n`, text)
})

test('entries below the level are left out', () => {
  using logged = new Logged()
  const log = logged.open({ level: 'warning' })
  log.debug('a')
  log.info('b')
  log.error('c')
  assert.equal(logged.lines.length, 1)
})

test('an error contains the stack of its cause', () => {
  using logged = new Logged()
  logged.open().error('it broke', new Error('because'))
  assert.match(logged.read(), /ERROR {3}it broke: Error: because\n {8}at /)
  logged.open().error('it broke', 'for a word')
  assert.match(logged.read(), /it broke: for a word\n$/)
})

test('control characters in an entry are replaced', () => {
  using logged = new Logged()
  logged.open().info('a\n2026-01-01 ERROR forged\r\x1b[2J\0\x7f')
  assert.equal(logged.read().split('\n').length, 3)
  assert.match(logged.read(), /\n {4}2026-01-01 ERROR forged\?\?\[2J\?\?\n$/)
})

test('a child writes to the same outputs, with its name', () => {
  using logged = new Logged()
  const ssdp = logged.open().child('zeroconf').child('ssdp')
  ssdp.warning('no network')
  assert.match(logged.read(), / WARNING zeroconf\.ssdp: no network\n$/)
  assert.match(logged.lines[0] ?? '', / WARNING zeroconf\.ssdp: no network$/)
  assert.equal(ssdp.file, logged.file)
})

test('the name of a child is a field of structured entries', () => {
  using logged = new Logged()
  logged.open({ structured: true }).child('history').info('done')
  const { name, message } = JSON.parse(logged.read())
  assert.deepEqual([name, message], ['history', 'done'])
})

test('a log and its children count the bytes of one file', () => {
  using logged = new Logged()
  writeFileSync(logged.file, Buffer.alloc(10 * 1024 * 1024 - 10, '.'))
  const log = logged.open()
  log.child('a').info('fills the file')
  log.child('b').info('starts the next one')
  assert.match(logged.read(), /^\S+ INFO {4}b: starts the next one\n$/)
  assert.match(logged.read('.1'), /a: fills the file\n$/)
})

test('a full disk is reported once, and the log continues on the console', {
  skip: !existsSync('/dev/full'),
}, () => {
  using logged = new Logged()
  const log = logged.open({ file: '/dev/full' })
  log.info('one')
  log.child('a').info('two')
  const [problem, ...others] = logged.lines.filter(line => line.startsWith('cannot write the log file'))
  assert.match(problem ?? '', /^cannot write the log file \/dev\/full: ENOSPC/)
  assert.equal(others.length, 0)
  assert.equal(logged.lines.length, 3)
})

test('structured entries are one JSON object per line', () => {
  using logged = new Logged()
  logged.open({ structured: true }).info('a\n"b"')
  assert.deepEqual(JSON.parse(logged.read()), {
    time: '2023-11-14T22:13:20.000Z',
    level: 'info',
    message: 'a\n"b"',
  })
})

test('without a file only the console gets entries', () => {
  using logged = new Logged()
  const log = logged.open({ file: null })
  log.info('a')
  log.rollover()
  assert.deepEqual([readdirSync(logged.folder), logged.lines.length], [[], 1])
})

test('a new log appends to the existing file', () => {
  using logged = new Logged()
  writeFileSync(logged.file, 'old\n')
  logged.open().info('new')
  assert.match(logged.read(), /^old\n.*new\n$/)
})

test('a rollover keeps five older files', () => {
  using logged = new Logged()
  const log = logged.open()
  for (let age = 1; age <= 7; age += 1) {
    log.info(`life ${age}`)
    log.rollover()
  }
  assert.ok(!existsSync(logged.file))
  assert.match(logged.read('.1'), /life 7/)
  assert.match(logged.read('.5'), /life 3/)
  assert.ok(!existsSync(`${logged.file}.6`))
})

test('a log file that is too large is rotated, counted in bytes', () => {
  using logged = new Logged()
  writeFileSync(logged.file, Buffer.alloc(10 * 1024 * 1024 - 100, '.'))
  const log = logged.open()
  log.info('☃'.repeat(60))
  assert.ok(!existsSync(`${logged.file}.1`))
  log.info('next')
  assert.ok(existsSync(`${logged.file}.1`))
  assert.match(logged.read(), /^[^☃]*next\n$/)
})

test('the console reports a file that cannot be written once, and the log continues', () => {
  using logged = new Logged()
  mkdirSync(logged.file)
  const log = logged.open()
  log.info('one')
  log.info('two')
  const problems = logged.lines.filter(line => line.startsWith('cannot write the log file'))
  assert.equal(problems.length, 1)
  assert.equal(logged.lines.length, 3)
  rmSync(logged.file, { recursive: true })
  log.info('three')
  assert.match(logged.read(), /three/)
})
