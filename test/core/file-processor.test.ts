// The registry of file processors, and the chain that runs them on real files.
import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type FileProcessor,
  type FileProcessorSpec,
  FileProcessors,
  processorTimeLimit,
} from '../../src/core/file-processor.ts'
import { type ChainResult, runProcessors } from '../../src/core/processor-chain.ts'
import { HandClock } from '../support/hand-clock.ts'

function spec(name: string, more: Partial<FileProcessorSpec> = {}): FileProcessorSpec {
  const timeLimit = { seconds: 10, secondsPerMiB: 2 }
  return { name, priority: 0, stage: 'rewrite', module: name, options: null, timeLimit, ...more }
}

test('processors run by priority, then in the order of registration', () => {
  const processors = new FileProcessors()
  const names = () => processors.list('rewrite').map(({ name }) => name)
  processors.register(spec('objects', { priority: 90 }))
  const mmu = processors.register(spec('mmu', { priority: 10 }))
  processors.register(spec('estimator', { priority: 90 }))
  processors.register(spec('arcs', { stage: 'examine' }))
  assert.deepEqual(names(), ['mmu', 'objects', 'estimator'])
  assert.throws(() => processors.register(spec('objects')), /'objects' is registered already/)
  mmu.remove()
  mmu.remove()
  assert.deepEqual(names(), ['objects', 'estimator'])
  processors.register(spec('mmu', { priority: 100 }))
  assert.deepEqual(names(), ['objects', 'estimator', 'mmu'])
})

test('the time limit grows with the file', () => {
  assert.equal(processorTimeLimit(spec('a'), 0), 10)
  assert.equal(processorTimeLimit(spec('a'), 100 * 1024 * 1024), 210)
})

/** A G-code file in a folder of its own, and processors by the names of their modules. */
class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'chain-'))
  readonly path = join(this.folder, 'cube.gcode')
  readonly clock = new HandClock()
  readonly abort = new AbortController()
  readonly started: string[] = []

  constructor(text = 'G28\n') {
    writeFileSync(this.path, text, { mode: 0o640 })
    utimesSync(this.path, 1000, 2000)
  }

  get text(): string {
    return readFileSync(this.path, 'utf8')
  }

  run(modules: Record<string, FileProcessor>, more: Partial<FileProcessorSpec> = {}): Promise<ChainResult> {
    const processors = Object.keys(modules).map(name => spec(name, more))
    const job = {
      path: this.path,
      shownPath: 'cube.gcode',
      processors,
      metadata: { slicer: 'Cura' },
      staging: join(this.folder, '.drafts'),
      signal: this.abort.signal,
    }
    const load = async (module: string) => {
      const found = modules[module]
      if (found === undefined) throw new Error(`no module ${module}`)
      return found
    }
    return runProcessors(job, { clock: this.clock, load, onStart: name => this.started.push(name) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true })
  }
}

/** Writes the file's text with a line at its end. */
function appending(line: string): FileProcessor {
  return ({ path, output }) => {
    writeFileSync(output, `${readFileSync(path, 'utf8')}${line}\n`)
    return { rewritten: true, listed: true, metadata: { last: line } }
  }
}

test('each processor reads what the one before wrote, and the file is replaced once', async () => {
  await using scene = new Scene()
  const { ino } = statSync(scene.path)
  const seen: string[] = []
  const result = await scene.run({
    first: appending('M1'),
    look: ({ path, shownPath, metadata }) => {
      seen.push(readFileSync(path, 'utf8'), shownPath, String(metadata.slicer))
      assert.equal(statSync(scene.path).ino, ino)
      return { listed: true, warnings: ['bed too small'], notes: ['2 objects'] }
    },
    second: appending('M2'),
  })
  assert.equal(scene.text, 'G28\nM1\nM2\n')
  assert.deepEqual(seen, ['G28\nM1\n', 'cube.gcode', 'Cura'])
  assert.deepEqual(result, {
    rewritten: true,
    listed: ['first', 'look', 'second'],
    metadata: { last: 'M2' },
    details: {},
    notes: ['look: 2 objects'],
    warnings: ['bed too small'],
  })
  assert.deepEqual(scene.started, ['first', 'look', 'second'])
  const { mode, mtimeMs } = statSync(scene.path)
  assert.deepEqual([mode & 0o777, mtimeMs], [0o640, 2_000_000])
  assert.deepEqual(readdirSync(scene.folder), ['cube.gcode'])
})

test('a processor that fails loses only its own result', async () => {
  await using scene = new Scene()
  const result = await scene.run({
    first: appending('M1'),
    broken: ({ output }) => {
      writeFileSync(output, 'half a fi')
      throw new Error('cannot read line 7')
    },
    second: appending('M2'),
  })
  assert.equal(scene.text, 'G28\nM1\nM2\n')
  assert.deepEqual(result.listed, ['first', 'second'])
  assert.deepEqual(result.notes, ['broken: failed: cannot read line 7'])
})

test('a module that cannot be loaded is a failure', async () => {
  await using scene = new Scene()
  const missing: FileProcessor | undefined = undefined
  const result = await scene.run({ gone: missing as unknown as FileProcessor, next: appending('M2') })
  assert.equal(scene.text, 'G28\nM2\n')
  assert.deepEqual(result.notes, ['gone: failed: no module gone'])
})

test('the signal of a processor is aborted at its time limit, and the chain continues', async () => {
  await using scene = new Scene()
  const slow: FileProcessor = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      scene.clock.pass(11)
    })
  const result = await scene.run({ slow, second: appending('M2') })
  assert.deepEqual(result.notes, ['slow: failed: no result within 10 seconds'])
  assert.equal(scene.text, 'G28\nM2\n')
})

test('a processor that ignores its signal is given up after a grace period', async () => {
  await using scene = new Scene()
  const deaf: FileProcessor = () =>
    new Promise(() => {
      setImmediate(() => scene.clock.pass(11))
      setImmediate(() => scene.clock.pass(2))
    })
  const result = await scene.run({ deaf, second: appending('M2') })
  assert.deepEqual(result.notes, ['deaf: failed: no result within 10 seconds'])
  assert.equal(scene.text, 'G28\nM2\n')
})

test('an aborted chain rejects with the reason and leaves the file as it was', async () => {
  await using scene = new Scene()
  const aborts: FileProcessor = () => {
    scene.abort.abort(new Error('file deleted'))
    return {}
  }
  await assert.rejects(
    scene.run({ first: appending('M1'), aborts, last: () => assert.fail() }),
    /file deleted/,
  )
  assert.equal(scene.text, 'G28\n')
  assert.deepEqual(readdirSync(scene.folder), ['cube.gcode'])
})

test('a file that another program changes meanwhile stays as that program left it', async () => {
  await using scene = new Scene()
  const changes: FileProcessor = () => {
    writeFileSync(scene.path, 'G28 X\n')
    return { listed: true, metadata: { a: 1 } }
  }
  const result = await scene.run({ first: appending('M1'), changes })
  assert.equal(scene.text, 'G28 X\n')
  assert.deepEqual([result.rewritten, result.listed, result.metadata], [false, [], {}])
  assert.match(result.notes.join(), /changed meanwhile/)
})

test('a file that another program replaces by one of the same size and time stays', async () => {
  await using scene = new Scene()
  const replaces: FileProcessor = () => {
    const other = join(scene.folder, 'other')
    writeFileSync(other, 'G29\n')
    utimesSync(other, 1000, 2000)
    renameSync(other, scene.path)
    return {}
  }
  assert.equal((await scene.run({ first: appending('M1'), replaces })).rewritten, false)
  assert.equal(scene.text, 'G29\n')
})

test('a processor that only examines cannot replace the file', async () => {
  await using scene = new Scene()
  const result = await scene.run({ first: appending('M1') }, { stage: 'examine' })
  assert.deepEqual([scene.text, result.rewritten, result.metadata], ['G28\n', false, { last: 'M1' }])
})

test('behind a link the file itself is replaced', async () => {
  await using scene = new Scene()
  const folder = join(scene.folder, 'elsewhere')
  mkdirSync(folder)
  const target = join(folder, 'real.gcode')
  writeFileSync(target, 'G28\n')
  await rm(scene.path)
  symlinkSync(target, scene.path)
  chmodSync(target, 0o600)
  await scene.run({ first: appending('M1') })
  assert.equal(readFileSync(target, 'utf8'), 'G28\nM1\n')
})

test('a missing file rejects with the error of the system', async () => {
  await using scene = new Scene()
  await rm(scene.path)
  await assert.rejects(scene.run({ first: appending('M1') }), { code: 'ENOENT' })
})
