// The files of jobs: fetched by hash, resumed, checked, kept and removed.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { call } from '../../fleet/call.ts'
import { skip } from '../../fleet/engine.ts'
import { SHORT_PRINT, startFleet } from '../../fleet/fleet-rig.ts'
import { quickClock } from '../../support/quick-clock.ts'

test('a transfer that fails for now is tried again, and continues where it stopped', { skip }, async () => {
  await using fleet = await startFleet({ speed: 100, clock: quickClock() })
  const { hub } = fleet
  await hub.slotIn('free')
  const content = `${SHORT_PRINT}; ${'x'.repeat(300_000)}\n`
  const file = hub.file(content)
  hub.replies.push(
    (_req, res) => res.writeHead(503, { 'Retry-After': '2' }).end(),
    (_req, res) => {
      res.writeHead(200, { ETag: `"/${file.sha256}"`, 'Content-Length': file.size })
      res.write(content.slice(0, 200_000), () => setTimeout(() => res.destroy(), 100))
    },
  )
  const offer = await hub.offer(file)
  await hub.event('job.finished', offer.job)
  const [first, second, third] = hub.requests
  assert.deepEqual([first, second], [`GET /${file.sha256}`, `GET /${file.sha256}`])
  assert.match(third ?? '', /bytes=\d+-$/)
})

test('a file that changes while it is fetched is not printed', { skip }, async () => {
  await using fleet = await startFleet({ speed: 100, clock: quickClock() })
  const { hub } = fleet
  await hub.slotIn('free')
  const content = `${SHORT_PRINT}; ${'x'.repeat(300_000)}\n`
  const other = content.replace('X10', 'X90')
  const send = (text: string, etag: string): (typeof hub.replies)[number] => {
    return (_req, res) => res.writeHead(200, { ETag: etag, 'Content-Length': text.length }).end(text)
  }
  const interrupted: (typeof hub.replies)[number] = (_req, res) => {
    res.writeHead(200, { ETag: '"first"', 'Content-Length': content.length })
    res.write(content.slice(0, 200_000), () => setTimeout(() => res.destroy(), 100))
  }
  // The rest comes from another file, either with a new tag, or under the old one.
  const rest: (typeof hub.replies)[number] = ({ headers }, res) => {
    const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)
    const part = content.slice(from).toUpperCase()
    const range = `bytes ${from}-${content.length - 1}/${content.length}`
    res.writeHead(206, { ETag: '"first"', 'Content-Length': part.length, 'Content-Range': range }).end(part)
  }
  for (const [index, second] of [send(other, '"second"'), rest].entries()) {
    hub.replies.push(interrupted, second)
    const offer = await hub.offer(hub.file(content), { attempt: index + 1 })
    const { data } = await hub.event('job.failed', offer.job)
    assert.deepEqual([data.outcome, data.started], ['not_started', false])
    assert.match(String(data.why), /checksum/)
    await hub.slotIn('free', ({ last }) => last?.job === offer.job)
  }
})

test('a file that cannot be had ends the job before its start, with the reason', { skip }, async () => {
  await using fleet = await startFleet({ speed: 100 })
  const { hub, rig } = fleet
  await hub.slotIn('free')
  const file = hub.file(SHORT_PRINT)
  const other = Buffer.from(SHORT_PRINT.replace('X10', 'X11'))
  const cases: [reply: (typeof hub.replies)[number], why: RegExp][] = [
    [(_req, res) => res.writeHead(404).end(), /404/],
    [(_req, res) => res.writeHead(403).end(), /403/],
    [(_req, res) => res.writeHead(200, { 'Content-Length': other.length }).end(other), /checksum/],
    [(_req, res) => res.writeHead(200, { 'Content-Length': 3 }).end('G28'), /has 3 bytes/],
    [(_req, res) => res.writeHead(200).end(`${SHORT_PRINT};\n`), /larger than/],
  ]
  for (const [index, [reply, why]] of cases.entries()) {
    hub.replies.push(reply)
    const offer = await hub.offer(file, { attempt: index + 1 })
    const { data } = await hub.event('job.failed', offer.job)
    assert.deepEqual([data.outcome, data.started], ['not_started', false])
    assert.match(String(data.why), why)
    const slot = await hub.slotIn('free', ({ last }) => last?.job === offer.job)
    assert.deepEqual([slot.last?.outcome, slot.plate], ['not_started', 'clear'])
  }
  assert.deepEqual(readdirSync(rig.paths.gcodes), [])
})

test('a file that was changed is fetched again, and the cache keeps its limit', { skip }, async () => {
  await using fleet = await startFleet({ speed: 100, fleet: 'cache_mb: 1' })
  const { hub, rig } = fleet
  await hub.slotIn('free')
  const folder = join(rig.paths.gcodes, 'fleet')
  const print = async (file: ReturnType<typeof hub.file>) => {
    const offer = await hub.offer(file)
    await hub.event('job.finished', offer.job)
    await call(rig, 'server.job_queue.plate_clear', {})
    await hub.slotIn('free', ({ last }) => last?.job === offer.job)
  }
  const small = hub.file(SHORT_PRINT, '../../etc/pass;wd')
  await print(small)
  const [name = ''] = readdirSync(folder)
  assert.match(name, /^_\.\._etc_pass_wd-[0-9a-f]{8}\.gcode$/)
  writeFileSync(join(folder, name), 'G28\n')
  await print(small)
  assert.equal(hub.requests.length, 2)
  const large = (text: string) => hub.file(`${SHORT_PRINT}; ${text.repeat(700_000)}\n`, `${text}.gcode`)
  await print(large('a'))
  await print(large('b'))
  // Klipper has the last one loaded; the others were too old.
  assert.deepEqual(
    readdirSync(folder).map(each => each[0]),
    ['b'],
  )
})
