// Files that a person has configured: what is no small file is refused at once.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSmallFile } from '../../src/core/small-file.ts'

test('only a regular file of a limited size is read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'small-file-'))
  try {
    const [file, pipe] = [join(folder, 'file'), join(folder, 'pipe')]
    writeFileSync(file, 'secret')
    execFileSync('mkfifo', [pipe])
    assert.equal(readSmallFile(file, 6).toString(), 'secret')
    assert.throws(() => readSmallFile(file, 5), /^Error: larger than 5 bytes$/)
    assert.throws(() => readSmallFile(pipe, 6), /^Error: not a regular file$/)
    assert.throws(() => readSmallFile('/dev/zero', 6), /^Error: not a regular file$/)
    assert.throws(() => readSmallFile(folder, 6), /^Error: not a regular file$/)
    assert.throws(() => readSmallFile(join(folder, 'none'), 6), { code: 'ENOENT' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
