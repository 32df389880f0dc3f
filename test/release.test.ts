// The notes of a release: the section of the changelog.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { releaseNotes } from '../scripts/release-notes.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

test('the top section of the changelog is that of the version, has a day, and is not empty', () => {
  const changelog = '# Changelog\n\n## 1.1.0 (2026-12-01)\n\nNew:\n\n- it\n\n## 1.0.0 (2026-01-01)\n\n- old\n'
  assert.equal(releaseNotes(changelog, '1.1.0'), 'New:\n\n- it')
  assert.throws(
    () => releaseNotes(changelog, '1.0.0'),
    /top section .* is '1\.1\.0 \(2026-12-01\)', .*1\.0\.0/,
  )
  const draft = '## 1.1.0 (not released)\n\n- it\n'
  assert.throws(() => releaseNotes(draft, '1.1.0'), /write '## 1\.1\.0 \(YYYY-MM-DD\)'/)
  assert.equal(releaseNotes(draft, '1.1.0', true), '- it')
  assert.throws(
    () => releaseNotes('## 1.1.0 (2026-12-01)\n\n## 1.0.0\n- old\n', '1.1.0'),
    /nothing about 1\.1\.0/,
  )
})

test('the changelog of the repository has a section for the version in package.json', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  assert.ok(releaseNotes(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), version, true).length > 0)
})
