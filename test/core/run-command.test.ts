// Other programs, run for real.
import assert from 'node:assert/strict'
import { test } from 'node:test'
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

test('what the program started ends with it', async () => {
  const script =
    'require("node:child_process").spawn("sleep", ["600"], { stdio: "inherit" }); setInterval(() => 0, 1e6)'
  await assert.rejects(runCommand(node, ['-e', script], { timeoutSeconds: 1 }), CommandError)
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
