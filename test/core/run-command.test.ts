// Other programs, run for real.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CommandError, runCommand } from '../../src/core/run-command.ts'

const node = process.execPath
const BOUNDS = { timeoutSeconds: 20 }

test('gives exit code and both outputs', async () => {
  const script = 'process.stdout.write("out"); process.stderr.write("err"); process.exitCode = 3'
  assert.deepEqual(await runCommand(node, ['-e', script], BOUNDS), { code: 3, stdout: 'out', stderr: 'err' })
})

test('arguments reach the program as they are: no shell reads them', async () => {
  const odd = ['$(id)', '; ls', "'", '"', '*', '', 'a b']
  const result = await runCommand(node, ['-p', 'JSON.stringify(process.argv.slice(1))', '--', ...odd], BOUNDS)
  assert.deepEqual(JSON.parse(result.stdout), odd)
})

test('input is given and closed; a program that reads none is no failure', async () => {
  assert.equal((await runCommand('cat', [], { ...BOUNDS, input: 'secret' })).stdout, 'secret')
  assert.equal((await runCommand('true', [], { ...BOUNDS, input: 'x'.repeat(1_000_000) })).code, 0)
})

test('of an endless output the beginning is kept, and the program is ended in time', async () => {
  const script = 'process.stdout.write("x".repeat(5000))'
  assert.equal((await runCommand(node, ['-e', script], { ...BOUNDS, maxBytes: 100 })).stdout, 'x'.repeat(100))
  await assert.rejects(
    runCommand('yes', [], { timeoutSeconds: 0.2 }),
    (error: Error) => error instanceof CommandError && error.message === 'yes did not end within 0.2 seconds',
  )
})

/** Runs a program that starts another, in its group or in one of its own, and gives up once that one runs. */
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
  const hasBegun = () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n')
  while (!hasBegun()) await nextTurn()
  controller.abort(new Error('enough'))
  await assert.rejects(running, /^Error: enough$/)
  return Number(readFileSync(file, 'utf8'))
}

function isRunning(pid: number): boolean {
  try {
    // A zombie, which nobody has asked for its end yet, runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

const onLinux = { timeout: 20_000, skip: process.platform !== 'linux' }

test('what the program started ends with it', onLinux, async t => {
  const pid = await giveUpOn(t, false)
  while (isRunning(pid)) await nextTurn()
})

test('what it started in a group of its own lives on and keeps nobody waiting', onLinux, async t => {
  const pid = await giveUpOn(t, true)
  assert.ok(isRunning(pid))
  process.kill(pid, 'SIGKILL')
})

test('a caller may give up, with a reason of its own', async () => {
  const controller = new AbortController()
  const running = runCommand('sleep', ['600'], { ...BOUNDS, signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(running, /^Error: enough$/)
})

test('a program that is not there is named', async () => {
  await assert.rejects(runCommand('no-such-program', [], BOUNDS), /no-such-program cannot be run: .*ENOENT/)
})

test('what no program can be started with is told as such', async () => {
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
