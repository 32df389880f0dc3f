// Running other programs: real ones, with every limit.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { CommandError, runCommand } from '../../src/core/run-command.ts'

const node = process.execPath
const BOUNDS = { timeoutSeconds: 20 }
const onLinux = { timeout: 20_000, skip: process.platform !== 'linux' }

test('the result has the exit code and both outputs', async () => {
  const script = 'process.stdout.write("out"); process.stderr.write("err"); process.exitCode = 3'
  assert.deepEqual(await runCommand(node, ['-e', script], BOUNDS), { code: 3, stdout: 'out', stderr: 'err' })
})

test('arguments reach the program as they are, without a shell', async () => {
  const odd = ['$(id)', '; ls', "'", '"', '*', '', 'a b']
  const result = await runCommand(node, ['-p', 'JSON.stringify(process.argv.slice(1))', '--', ...odd], BOUNDS)
  assert.deepEqual(JSON.parse(result.stdout), odd)
})

test('input is written and closed; a program that ignores it does not fail', async () => {
  assert.equal((await runCommand('cat', [], { ...BOUNDS, input: 'secret' })).stdout, 'secret')
  assert.equal((await runCommand('true', [], { ...BOUNDS, input: 'x'.repeat(1_000_000) })).code, 0)
})

/** A program that is stopped with an error of this text. */
async function rejects(running: Promise<unknown>, message: string): Promise<void> {
  await assert.rejects(running, (error: Error) => {
    assert.ok(error instanceof CommandError)
    assert.equal(error.message, message)
    return true
  })
}

test('the result keeps the start of a long output', async () => {
  const script = 'process.stdout.write("x".repeat(5000))'
  assert.equal(
    (await runCommand(node, ['-e', script], { ...BOUNDS, keepBytes: 100 })).stdout,
    'x'.repeat(100),
  )
})

test('a program is stopped at its time limit, at its output limit, and when it is silent for too long', async () => {
  await rejects(runCommand('sleep', ['600'], { timeoutSeconds: 0.1 }), 'sleep did not end within 0.1 seconds')
  await rejects(runCommand('yes', [], { ...BOUNDS, maxBytes: 100_000 }), 'yes wrote more than 100000 bytes')
  await rejects(
    runCommand('sleep', ['600'], { ...BOUNDS, idleSeconds: 0.1 }),
    'sleep wrote nothing for 0.1 seconds',
  )
})

test('output keeps a program alive that would be silent for too long', async () => {
  const script =
    'let n = 0; const timer = setInterval(() => { console.log(++n); if (n === 20) clearInterval(timer) }, 50)'
  const { stdout } = await runCommand(node, ['-e', script], { ...BOUNDS, idleSeconds: 0.8 })
  assert.match(stdout, /\n20\n$/)
})

/** The lines that a program writes, with the first letter of the output. */
async function linesOf(script: string): Promise<string[]> {
  const lines: string[] = []
  await runCommand('sh', ['-c', script], {
    ...BOUNDS,
    onLine: (line, output) => lines.push(`${output.slice(3)} ${line}`),
  })
  return lines
}

test('lines arrive from both outputs, at line feeds and carriage returns, without empty ones', async () => {
  const lines = await linesOf("printf 'a\\n\\nb\\r\\n10%%\\r20%%\\r\\nend'; printf 'oops' >&2")
  assert.deepEqual(
    lines.filter(line => line.startsWith('out')),
    ['out a', 'out b', 'out 10%', 'out 20%', 'out end'],
  )
  assert.deepEqual(
    lines.filter(line => line.startsWith('err')),
    ['err oops'],
  )
})

test('an error of the receiver of lines stops the program', async () => {
  const onLine = () => {
    throw new Error('disk full')
  }
  await assert.rejects(runCommand('yes', [], { ...BOUNDS, onLine }), /^Error: disk full$/)
})

test('environment and working directory', async () => {
  const options = { ...BOUNDS, env: { WORD: 'hi' }, cwd: '/' }
  const { stdout } = await runCommand('sh', ['-c', 'echo $WORD $LC_ALL $PWD'], options)
  assert.equal(stdout, 'hi C /\n')
})

const withIonice = { skip: !existsSync('/usr/bin/ionice') }

test('low priority is for processor and disk', withIonice, async () => {
  // ionice is set from outside while the program runs.
  const script = 'until ionice -p $$ | grep -q idle; do :; done; nice'
  const { stdout } = await runCommand('sh', ['-c', script], { ...BOUNDS, lowPriority: true })
  assert.equal(Number(stdout), Number((await runCommand('nice', [], BOUNDS)).stdout) + 10)
})

/** Aborts a shell script once it has written a line; resolves with all that it wrote. */
async function abortAfterLine(script: string, graceSeconds: number): Promise<string[]> {
  const controller = new AbortController()
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    if (lines.length === 1) controller.abort(new Error('enough'))
  }
  const options = { ...BOUNDS, graceSeconds, onLine, signal: controller.signal }
  await assert.rejects(runCommand('sh', ['-c', script], options), /^Error: enough$/)
  return lines
}

test('with a grace period a program may clean up before it ends, but not for longer', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'grace-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const mark = join(folder, 'mark')
  await abortAfterLine(`trap 'touch ${mark}; exit' TERM; echo ready; while :; do sleep 0.01; done`, 10)
  assert.ok(existsSync(mark))
  await abortAfterLine("trap '' TERM; echo ready; while :; do sleep 0.01; done", 0.1)
})

test('a program with a signal ends with its parent, one without outlives it', onLinux, async () => {
  const parent = `
    import { runCommand } from '${import.meta.resolve('../../src/core/run-command.ts')}'
    const pids = {}
    for (const [name, more] of [['signal', { signal: new AbortController().signal }], ['none', {}]]) {
      const onLine = line => {
        pids[name] = Number(line)
        if (Object.keys(pids).length < 2) return
        console.log(JSON.stringify(pids))
        process.exit(0)
      }
      runCommand('sh', ['-c', 'echo $$; exec sleep 600'], { timeoutSeconds: 600, onLine, ...more })
    }`
  const { stdout } = await runCommand(node, ['--input-type=module', '-e', parent], BOUNDS)
  const pids = JSON.parse(stdout) as { signal: number; none: number }
  while (isRunning(pids.signal)) await nextIteration()
  assert.ok(isRunning(pids.none))
  process.kill(pids.none, 'SIGKILL')
})

/** Runs a program that starts another, in its group or in one of its own, and aborts once that one runs. */
async function giveUpOn(t: TestContext, detached: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'pid-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'pid')
  const script = `
    const { spawn } = require('node:child_process')
    const { pid } = spawn('sleep', ['600'], { stdio: 'inherit', detached: ${detached} })
    require('node:fs').writeFileSync(process.argv[1], pid + '\\n')
    setInterval(() => 0, 1e6)`
  const controller = new AbortController()
  const running = runCommand(node, ['-e', script, file], { ...BOUNDS, signal: controller.signal })
  const hasStarted = () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')
  while (!hasStarted()) await nextIteration()
  controller.abort(new Error('enough'))
  await assert.rejects(running, /^Error: enough$/)
  return Number(readFileSync(file, 'utf8'))
}

function isRunning(pid: number): boolean {
  try {
    // A zombie has ended; only its parent has not read its exit code yet.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('programs in its group end with the program', onLinux, async t => {
  const pid = await giveUpOn(t, false)
  while (isRunning(pid)) await nextIteration()
})

test('a program in another group lives on, and does not delay the end', onLinux, async t => {
  const pid = await giveUpOn(t, true)
  assert.ok(isRunning(pid))
  process.kill(pid, 'SIGKILL')
})

test('an aborted program rejects with the reason', async () => {
  const controller = new AbortController()
  const running = runCommand('sleep', ['600'], { ...BOUNDS, signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(running, /^Error: enough$/)
})

test('the error names a missing program', async () => {
  await assert.rejects(runCommand('no-such-program', [], BOUNDS), /no-such-program cannot be run: .*ENOENT/)
})

test('arguments that no program can have are a CommandError', async () => {
  for (const [program, args] of [
    ['echo', ['\0']],
    ['echo', ['x'.repeat(3_000_000)]],
    ['', []],
  ] as const) {
    await assert.rejects(runCommand(program, args, BOUNDS), (error: Error) => {
      assert.ok(error instanceof CommandError)
      assert.match(error.message, /^\w* ?cannot be run: /)
      return true
    })
  }
})
