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

test('an error tells where it came from', () => {
  using logged = new Logged()
  logged.open().error('it broke', new Error('because'))
  assert.match(logged.read(), /ERROR {3}it broke: Error: because\n {8}at /)
  logged.open().error('it broke', 'for a word')
  assert.match(logged.read(), /it broke: for a word\n$/)
})

test('nothing that is logged can forge an entry or reach the terminal', () => {
  using logged = new Logged()
  logged.open().info('a\n2026-01-01 ERROR forged\r\x1b[2J\0\x7f')
  assert.equal(logged.read().split('\n').length, 3)
  assert.match(logged.read(), /\n {4}2026-01-01 ERROR forged\?\?\[2J\?\?\n$/)
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

test('without a file there is none', () => {
  using logged = new Logged()
  const log = logged.open({ file: null })
  log.info('a')
  log.rollover()
  assert.deepEqual([readdirSync(logged.folder), logged.lines.length], [[], 1])
})

test('a new log goes on where the old one ended', () => {
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

test('a log that has grown too large is begun anew, counted in bytes', () => {
  using logged = new Logged()
  writeFileSync(logged.file, Buffer.alloc(10 * 1024 * 1024 - 100, '.'))
  const log = logged.open()
  log.info('☃'.repeat(60))
  assert.ok(!existsSync(`${logged.file}.1`))
  log.info('next')
  assert.ok(existsSync(`${logged.file}.1`))
  assert.match(logged.read(), /^[^☃]*next\n$/)
})

test('a file that cannot be written is told once, and the log goes on', () => {
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
