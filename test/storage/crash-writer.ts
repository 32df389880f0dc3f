// Writes to the storage as fast as it can and prints each acknowledged write, until it is killed.
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/core/clock.ts'
import { openStorage } from '../../src/storage/index.ts'

const [, , folder = '', backupFolder = '', first = '0'] = process.argv
const warn = (text: string) => void writeSync(1, `warning ${text}\n`)
const { namespaces, jobs, users, backups, db } = openStorage({
  folder,
  backupFolder,
  clock: systemClock,
  warn,
})

const kinds = {
  item: (n: number) => namespaces.post('crash', `item${n % 50}.n${n}`, n),
  job: (n: number) =>
    jobs.add({
      user: 'maker',
      filename: `${n}.gcode`,
      status: 'completed',
      start_time: n,
      end_time: n,
      print_duration: 1,
      total_duration: 1,
      filament_used: 1,
      metadata: { text: 'x'.repeat(300) },
      auxiliary_data: [],
    }),
  user: (n: number) =>
    users.put({
      username: `user${n}`,
      password: 'aa',
      created_on: n,
      salt: 'bb',
      source: 'moonraker',
      jwt_secret: null,
      jwk_id: null,
      groups: ['admin'],
    }),
}
const names = Object.keys(kinds) as (keyof typeof kinds)[]

let next = Number(first)

async function writeOn(): Promise<never> {
  for (;;) {
    const n = next
    next += 1
    const kind = names[n % names.length]!
    await kinds[kind](n)
    writeSync(1, `${kind} ${n}\n`)
    if (n % 400 === 399) await backups.create('crash.db')
    if (n % 1500 === 1499) db.compact()
  }
}

await Promise.all(Array.from({ length: 16 }, writeOn))
