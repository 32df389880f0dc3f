// What returns memory to the system, and what must not be returned.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadReturnedPages, unchangedMappings } from '../../src/core/returned-pages.ts'

const returned = await loadReturnedPages()
const skip = returned === null || process.platform !== 'linux' ? 'needs koffi and Linux' : false

/** Bytes of files that are mapped now. */
function mappedOfFiles(): number {
  const [, kilobytes] = /^RssFile:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return Number(kilobytes) * 1024
}

test('the pages of programs are returned, and all code still runs', { skip }, () => {
  const before = mappedOfFiles()
  returned?.programs()
  const after = mappedOfFiles()
  assert.ok(after < before * 0.8, `${after} of ${before}`)
  assert.equal(JSON.parse('{"a":[1.5,"ä"]}').a[1].toUpperCase(), 'Ä')
  assert.match('2026-12-01', /^\d{4}-\d{2}-\d{2}$/)
  returned?.freed()
})

const smaps = (range: string, mode: string, file: string, anonymous: number) =>
  `${range} ${mode} 00001000 fe:00 1234                   ${file}
Size:               1234 kB
Rss:                 123 kB
Anonymous:      ${String(anonymous).padStart(8)} kB
LazyFree:              0 kB
VmFlags: rd mr mw me sd
`

test('only large mappings that are as in their files count', t => {
  const folder = mkdtempSync(join(tmpdir(), 'smaps-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'smaps')
  const text = [
    smaps('0074a000-03044000', 'r-xp', '/usr/bin/node', 0),
    smaps('06b51000-06b56000', 'r--p', '/usr/bin/node', 16),
    smaps('06b56000-06b7d000', 'rw-p', '/usr/bin/node', 0),
    smaps('24f7fb3c0000-24f7fb448000', 'r--p', '', 0),
    smaps('7f0000000000-7f0000008000', 'r--s', '/data/database/moonraker-sql.db-shm', 0),
    smaps('7fff00000000-7fff00002000', 'r-xp', '[vdso]', 0),
    smaps('7f7ffcb64000-7f7ffcc64000', 'r--p', '/usr/lib/libc.so.6', 0),
    smaps('7f7ffde00000-7f7ffdeff000', 'r--p', '/usr/lib/libnss_mdns4.so.2', 0),
  ].join('')
  writeFileSync(file, text.repeat(10))
  const found = unchangedMappings(file)
  assert.equal(found.length, 20)
  assert.deepEqual(found.slice(0, 2), [
    { start: 0x74a000, length: 0x28fa000 },
    { start: 0x7f7ffcb64000, length: 0x100000 },
  ])
  assert.deepEqual(unchangedMappings(join(folder, 'missing')), [])
})
