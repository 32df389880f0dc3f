#!/usr/bin/env node
// The command moonraker.cjs of a build: loads server.cjs, with the code that V8 compiled at an earlier start.
'use strict'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 16)) {
  console.error(`moonraker-ts: Node ${process.versions.node} is too old: 22.16 or later is needed`)
  process.exit(1)
}

const {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} = require('node:fs')
const { enableCompileCache, getCompileCacheDir } = require('node:module')
const { basename, delimiter, dirname, join } = require('node:path')
const { Script } = require('node:vm')

/** The hash of server.cjs: V8 compares only the length of a source with the one that it compiled. */
const BUILD = '__BUILD__'
/** Milliseconds after which the start has ended. */
const START = 1500

/** The exit code of update-guard.cjs for: the previous version is back. */
const TAKEN_BACK = 10
/** Milliseconds that the guard has for one start. */
const GUARD_TIME = 60_000

/**
 * Whether the previous version takes the place of this one, which did not answer in its first starts after an update. The
 * guard of that version decides; it has a record next to the folder of the update until this one has answered.
 */
function isTakenBack() {
  const args = process.argv.slice(2)
  if (args.includes('--version')) return false
  for (const folder of [__dirname, dirname(__dirname)]) {
    const updates = join(dirname(folder), `.${basename(folder)}.update`)
    const trial = join(updates, 'trial.json')
    if (!existsSync(trial)) continue
    const modules = [join(dirname(__dirname), 'node_modules'), process.env.NODE_PATH].filter(Boolean)
    const env = { ...process.env, NODE_PATH: modules.join(delimiter) }
    const { spawnSync } = require('node:child_process')
    const guard = [join(updates, 'guard.cjs'), trial, 'start', ...args]
    return (
      spawnSync(process.execPath, guard, { env, stdio: 'ignore', timeout: GUARD_TIME }).status === TAKEN_BACK
    )
  }
  return false
}

if (isTakenBack()) {
  delete require.cache[__filename]
  require(__filename)
} else load()

function load() {
  // Node 22 warns at every start that its SQLite is experimental. The used part is the same in later versions.
  const { emitWarning } = process
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith('SQLite is an experimental')) emitWarning.call(process, warning, ...rest)
  }

  // Node's own cache is for what the server loads later. Of the server, it would keep a second copy in memory.
  enableCompileCache(join(__dirname, 'cache'))
  /** Undefined where the folder cannot be written. */
  const folder = getCompileCacheDir()

  /** The content of a file, in memory that does not come from malloc: glibc keeps such a block when it is freed. */
  function read(path) {
    const file = openSync(path)
    const { size } = fstatSync(file)
    const content = Buffer.from(new ArrayBuffer(size, { maxByteLength: size }))
    readSync(file, content)
    closeSync(file)
    return content
  }

  /** The compiled code of this build, after its hash; undefined if there is none. */
  function readCache(path) {
    try {
      const content = read(path)
      return content.latin1Slice(0, BUILD.length) === BUILD ? content.subarray(BUILD.length) : undefined
    } catch {
      return undefined
    }
  }

  function writeCache(path, code) {
    const temporary = `${path}.${process.pid}`
    try {
      const file = openSync(temporary, 'w', 0o600)
      writeSync(file, Buffer.concat([Buffer.from(BUILD), code]))
      fsyncSync(file)
      closeSync(file)
      renameSync(temporary, path)
    } catch {
      // The next start compiles the server again.
      rmSync(temporary, { force: true })
    }
  }

  /** Modules that are loaded at the first use: a start, and the first answer, need none of them. */
  const LAZY = ['node:crypto', 'node:dns/promises', 'node:perf_hooks', 'node:timers/promises', 'node:v8']
  const lazily = name =>
    new Proxy({}, { get: (_, key) => require(name)[key], ownKeys: () => Reflect.ownKeys(require(name)) })

  /** Calls `require` once for each module: the bundle does it hundreds of times. */
  const modules = new Map()
  function requireOnce(name) {
    if (!modules.has(name)) modules.set(name, LAZY.includes(name) ? lazily(name) : require(name))
    return modules.get(name)
  }
  /** The `require` of a part, whose own one is `load`. */
  exports.requireOf = load => name => (LAZY.includes(name) ? requireOnce(name) : load(name))

  const filename = join(__dirname, 'server.cjs')
  const cache = folder && join(folder, 'server.bin')
  const script = new Script(read(filename).latin1Slice(), { filename, cachedData: cache && readCache(cache) })
  script.runInThisContext()(requireOnce, __dirname, exports)

  /** Keeps the code that the start has compiled, once. */
  let isKept = cache === undefined || script.cachedDataRejected === false
  function keepCode() {
    if (!isKept) writeCache(cache, script.createCachedData())
    isKept = true
  }
  setTimeout(keepCode, START).unref()
  // A server that stops early; not --help or --version, which compile less and exit at once.
  setImmediate(() => process.once('exit', keepCode))
}
