import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findProgram } from '../../src/core/find-program.ts'

test('the first executable file in PATH is found; folders and other files are skipped', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'path-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['a', 'b', 'c', 'd']) mkdirSync(join(folder, name))
  mkdirSync(join(folder, 'a', 'ffmpeg'))
  writeFileSync(join(folder, 'b', 'ffmpeg'), '', { mode: 0o644 })
  for (const name of ['c', 'd']) writeFileSync(join(folder, name, 'ffmpeg'), '', { mode: 0o755 })
  const path = ['missing', 'a', 'b', 'c', 'd'].map(name => join(folder, name)).join(':')
  assert.equal(await findProgram('ffmpeg', path), join(folder, 'c', 'ffmpeg'))
  assert.equal(await findProgram('git', path), null)
  assert.equal(await findProgram(join(folder, 'd', 'ffmpeg'), ''), join(folder, 'd', 'ffmpeg'))
  assert.equal(await findProgram(join(folder, 'b', 'ffmpeg'), ''), null)
})
