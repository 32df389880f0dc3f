// Kills the writer at random moments: every acknowledged write survives, and the file is intact.
// CRASH_ROUNDS sets how often.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspectBackup } from '../../src/storage/backup-files.ts'
import { DataFolder } from './data-folder.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 2)
const writer = fileURLToPath(new URL('crash-writer.ts', import.meta.url))

/** Runs the writer until it has printed `count` writes, or for some ms if `count` is 0. Returns the printed lines. */
async function writeAndKill(folder: DataFolder, first: number, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, folder.database, folder.backups, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  let lines = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    lines += text.split('\n').length - 1
    if (count > 0 && lines >= count) child.kill('SIGKILL')
  })
  if (count === 0) setTimeout(() => child.kill('SIGKILL'), 40 + Math.random() * 120)
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  return printed.split('\n').slice(0, -1)
}

test(`killed ${ROUNDS} times`, async t => {
  await using folder = new DataFolder()
  const acknowledged: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const count = round % 4 === 0 ? 0 : Math.ceil(Math.random() * 200)
    acknowledged.push(...(await writeAndKill(folder, round * 100_000, count)))
    if (round % 5 !== 4 && round !== ROUNDS - 1) continue
    const storage = folder.open()
    const jobs = new Set(storage.jobs.list({ limit: 0 }).map(({ filename }) => filename))
    for (const line of acknowledged) {
      const [kind, number] = line.split(' ')
      const n = Number(number)
      if (kind === 'item') assert.equal(storage.namespaces.get('crash', `item${n % 50}.n${n}`), n)
      else if (kind === 'job') assert.ok(jobs.has(`${n}.gcode`), line)
      else if (kind === 'user') assert.equal(storage.users.get(`user${n}`)?.created_on, n)
      else assert.match(line, /^warning The database file was empty, and there is no backup/)
    }
    for (const name of storage.backups.list()) inspectBackup(`${folder.backups}/${name}`)
    await storage.close()
  }
  assert.deepEqual(
    folder.warnings.filter(text => !text.startsWith('The database file was empty')),
    [],
  )
  assert.ok(acknowledged.length > 0)
  t.diagnostic(`${acknowledged.length} acknowledged writes in ${ROUNDS} rounds`)
})
