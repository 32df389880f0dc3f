import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { type CommandLine, HELP, readCommandLine } from '../../src/app/command-line.ts'
import { StartError } from '../../src/core/errors.ts'

const read = (line: string, env: Record<string, string> = {}): CommandLine =>
  readCommandLine(line.split(' ').filter(Boolean), env)

const DEFAULTS: CommandLine = {
  dataPath: join(homedir(), 'printer_data'),
  configFile: undefined,
  logFile: undefined,
  socket: undefined,
  noLogFile: false,
  structuredLogging: false,
  verbose: false,
  debug: false,
  virtualPrinter: false,
  speed: 1,
  strict: false,
  workshop: undefined,
  printers: 0,
  show: null,
}

test('without arguments the defaults apply', () => {
  assert.deepEqual(read(''), DEFAULTS)
})

test('a virtual printer has its data in the present folder, and a real one in the home folder', () => {
  assert.equal(read('').dataPath, join(homedir(), 'printer_data'))
  for (const line of ['--virtual-printer', '--printers 2']) {
    assert.equal(read(line).dataPath, resolve('printer_data'))
    assert.equal(read(`${line} -d /data`).dataPath, '/data')
    assert.equal(read(line, { MOONRAKER_DATA_PATH: '/data' }).dataPath, '/data')
  }
})

test('options are read in their short and long forms', () => {
  const all: CommandLine = {
    ...DEFAULTS,
    dataPath: '/data',
    configFile: resolve('m.conf'),
    logFile: join(homedir(), 'm.log'),
    socket: '/run/m.sock',
    noLogFile: true,
    structuredLogging: true,
    verbose: true,
    debug: true,
  }
  assert.deepEqual(read('-d /data -c m.conf -l ~/m.log -u /run/m.sock -n -s -v -g'), all)
  const long = '--datapath /data --configfile=m.conf --logfile ~/m.log --unixsocket /run/m.sock'
  assert.deepEqual(read(`${long} --nologfile --structured-logging --verbose --debug`), all)
  assert.deepEqual(read('-nsvg -d/data -c m.conf -l ~/m.log -u /run/m.sock'), all)
  assert.deepEqual(read('-o --asyncio-debug'), DEFAULTS, 'an option of the original without effect here')
})

test('the virtual printer has a speed and may be strict', () => {
  const { virtualPrinter, speed, strict } = read('--virtual-printer --speed 0.5 --strict')
  assert.deepEqual([virtualPrinter, speed, strict], [true, 0.5, true])
  assert.equal(read('--speed 1e3').speed, 1000)
  for (const wrong of ['0', '-1', 'x', '1x', 'Infinity', 'NaN', '10001']) {
    assert.throws(
      () => read(`--speed=${wrong}`),
      (error: unknown) => error instanceof StartError && error.message.startsWith(`--speed ${wrong}: give`),
    )
  }
  assert.throws(() => readCommandLine(['--speed', ''], {}), StartError)
})

test('environment variables replace options that are not given', () => {
  const env = {
    MOONRAKER_DATA_PATH: '~/other',
    MOONRAKER_CONFIG_PATH: '/e/m.conf',
    MOONRAKER_LOG_PATH: '/e/m.log',
    MOONRAKER_UDS_PATH: '/e/m.sock',
    MOONRAKER_DISABLE_FILE_LOG: 'y',
    MOONRAKER_STRUCTURED_LOGGING: 'TRUE',
    MOONRAKER_VERBOSE_LOGGING: '1',
    MOONRAKER_ENABLE_DEBUG: 'on',
  }
  assert.deepEqual(read('', env), {
    ...DEFAULTS,
    dataPath: join(homedir(), 'other'),
    configFile: '/e/m.conf',
    logFile: '/e/m.log',
    socket: '/e/m.sock',
    noLogFile: true,
    structuredLogging: true,
    verbose: true,
    debug: true,
  })
  assert.equal(read('-d /data', env).dataPath, '/data')
})

test('an empty or negative variable counts as not set', () => {
  for (const value of ['', 'n', 'no', '0', 'false', 'maybe']) {
    assert.equal(read('', { MOONRAKER_ENABLE_DEBUG: value }).debug, false, value)
  }
  assert.deepEqual(read('', { MOONRAKER_DATA_PATH: '', MOONRAKER_LOG_PATH: '' }), DEFAULTS)
})

test('help and version are shown, help before version', () => {
  assert.equal(read('--help').show, 'help')
  assert.equal(read('-h --version').show, 'help')
  assert.equal(read('--version -d /x').show, 'version')
})

test('a workshop is a file, virtual printers, or the command that prints a file', () => {
  assert.equal(read('--workshop w.conf').workshop, resolve('w.conf'))
  assert.equal(read('--printers 5').printers, 5)
  assert.equal(read('workshop init').show, 'workshop init')
  for (const line of ['workshop', 'workshop start', 'init workshop'])
    assert.throws(() => read(line), /Unexpected argument/, line)
  for (const count of ['-1', '101', '1.5', 'x', '']) {
    assert.throws(
      () => readCommandLine([`--printers=${count}`], {}),
      /give a whole number, at most 100/,
      count,
    )
  }
})

test('an invalid argument is an error of one line', () => {
  for (const line of ['--nosuch', '-x', 'stray', '-d', '--datapath', '--debug=yes', '--speed']) {
    assert.throws(
      () => read(line),
      (error: unknown) => {
        assert.ok(error instanceof StartError)
        assert.match(error.message, /; --help lists the options$/)
        assert.doesNotMatch(error.message, /\n/)
        return true
      },
      line,
    )
  }
})

test('the help names every option and every variable', () => {
  const options = [
    'datapath',
    'configfile',
    'logfile',
    'unixsocket',
    'nologfile',
    'structured-logging',
    'verbose',
    'debug',
    'virtual-printer',
    'speed',
    'workshop',
    'printers',
    'version',
    'help',
  ]
  for (const option of options) assert.match(HELP, new RegExp(`--${option}\\b`))
  assert.equal(HELP.match(/MOONRAKER_[A-Z_]+/g)?.length, 8)
  for (const line of HELP.split('\n')) assert.ok(line.length <= 110)
})
