// The contract of the fleet: messages of all versions, the steps of slots and jobs, and what counts as a change.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  codeText,
  commandSchema,
  eventSchema,
  expiryProblem,
  firstSlot,
  hasChanged,
  isNewer,
  type Job,
  type JobStep,
  jobSchema,
  messageOf,
  nextJob,
  nextSlot,
  type PrinterState,
  presenceOf,
  readCode,
  readMessage,
  type Slot,
  type SlotStep,
  slotSchema,
  stateSchema,
  timeOfUlid,
  ULID,
  ulid,
} from '../../../src/fleet/contract/index.ts'

const JOB = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const PRINTER = 'a'.repeat(32)
const FILE = { sha256: '0'.repeat(64), size: 1, name: 'part.gcode' }
const READY = { plate: 'clear', epoch: 'e1', blocked: null } as const
const OFFER = { job: JOB, attempt: 1, file: FILE, url: 'http://127.0.0.1/', until: 5, epoch: 'e1' }

const STATE: PrinterState = {
  boot: 'b7f3c1d2',
  seq: 814,
  t: 1_790_000_000_123,
  et: 12_345.67,
  next_s: 30,
  link: 'open',
  klippy: 'ready',
  sw: '0.3.0',
  api: '1.5.0',
  caps: ['dispatch', 'live'],
  epoch: 'e1',
  plate: 'occupied',
  slot_rev: 412,
  job: {
    id: JOB,
    file: 'part.gcode',
    state: 'printing',
    progress: 0.413,
    print_s: 1366,
    left_s: 1920,
    layer: 41,
    layers: 99,
  },
  temp: { extruder: [214.9, 215], heater_bed: [60, 60] },
  err: null,
  off: false,
  labels: {},
  nozzle: 0.4,
  size: [250, 210, 200],
}

test('a message is read with unknown fields left out, and one of a newer version is recognised', () => {
  const reading = readMessage(stateSchema, messageOf({ ...STATE, mood: 'good' }))
  assert.deepEqual(reading, { kind: 'message', value: STATE })
  assert.deepEqual(readMessage(stateSchema, '{"v":2,"words":"of tomorrow"}'), { kind: 'newer', v: 2 })
  const event = { id: JOB, t: 1, boot: 'b', type: 'lamp.on' }
  assert.equal(readMessage(eventSchema, Buffer.from(messageOf(event))).kind, 'message')
})

test('what is no message is reported with the reason', () => {
  const problems = [
    '',
    'null',
    '[]',
    '{"v":1.5}',
    '{"v":"1"}',
    '{"v":0}',
    '{"v":1}',
    `{"v":1,"id":"${'x'.repeat(70_000)}"}`,
    messageOf({ ...firstSlot(READY).value, state: 'dancing' }),
  ].map(text => readMessage(slotSchema, text))
  assert.deepEqual(
    problems.map(({ kind }) => kind),
    problems.map(() => 'invalid'),
  )
  assert.deepEqual(problems.at(-1), {
    kind: 'invalid',
    problem: 'state: one of free, blocked, offered, accepted, printing, finished',
  })
  assert.equal(readMessage(slotSchema, Buffer.from([0xff, 0xfe])).kind, 'invalid')
})

/** The states of a slot after `steps`, each written with a further revision; `refused` for a step that is none. */
function walk(steps: readonly SlotStep[]): { readonly states: string[]; readonly slot: Slot } {
  let slot = firstSlot(READY).value
  let revision = 1
  const states = steps.map(step => {
    const write = nextSlot({ value: slot, revision }, step)
    if (write === null) return 'refused'
    assert.equal(write.expected, revision)
    slot = write.value
    revision += 1
    return slot.state
  })
  return { states, slot }
}

test('a slot goes from an offer to the next one, and keeps how the last one ended', () => {
  const { states, slot } = walk([
    { do: 'offer', offer: OFFER },
    { do: 'accept' },
    { do: 'withdraw' },
    { do: 'print' },
    { do: 'offer', offer: OFFER },
    { do: 'finish', outcome: 'done', why: null },
    { do: 'refuse', why: 'late', ready: READY },
    { do: 'idle', ready: READY },
  ])
  assert.deepEqual(states, [
    'offered',
    'accepted',
    'refused',
    'printing',
    'refused',
    'finished',
    'refused',
    'free',
  ])
  // The fence is the revision of the offer: the second write.
  assert.deepEqual(slot.last, { job: JOB, attempt: 1, fence: 2, outcome: 'done', why: null })
  assert.deepEqual([slot.job, slot.file, slot.fence, slot.plate], [null, null, null, 'clear'])
})

test('a slot that was refused, not started or abandoned holds no job', () => {
  const offer = { do: 'offer', offer: OFFER } as const
  const blocked = { ...READY, blocked: 'local_print' } as const
  const refused = walk([offer, { do: 'refuse', why: 'local_print', ready: blocked }])
  assert.deepEqual([refused.states, refused.slot.last?.outcome], [['offered', 'blocked'], 'refused'])
  const none = walk([
    offer,
    { do: 'accept' },
    { do: 'release', outcome: 'not_started', why: '404', ready: READY },
  ])
  assert.deepEqual([none.states.at(-1), none.slot.job, none.slot.last?.why], ['free', null, '404'])
  const left = walk([offer, { do: 'accept' }, { do: 'abandon', why: 'stolen' }, offer])
  assert.deepEqual(left.states, ['offered', 'accepted', 'blocked', 'refused'])
})

test('a job goes its way, and back to the queue only before it was printed', () => {
  const job: Job = jobSchema.read({ state: 'queued', file: FILE, need: {}, changed: 0 }, '')
  const end = (steps: readonly JobStep[]) =>
    steps.reduce<Job | null>(
      (value, step) => value && (nextJob({ value, revision: 7 }, step, 5)?.value ?? null),
      job,
    )
  const offer = { do: 'offer', printer: PRINTER } as const
  const done = end([offer, { do: 'accept' }, { do: 'print' }, { do: 'end', state: 'done', why: null }])
  assert.deepEqual([done?.state, done?.attempt, done?.printer, done?.changed], ['done', 1, PRINTER, 5])
  assert.equal(end([offer, { do: 'requeue' }, offer])?.attempt, 2)
  assert.equal(end([offer, { do: 'accept' }, { do: 'print' }, { do: 'requeue' }]), null)
  assert.equal(end([offer, offer]), null)
  assert.equal(end([offer, { do: 'request_cancel' }, { do: 'requeue' }])?.state, 'cancelled')
  assert.equal(end([offer, { do: 'hold', why: 'lost' }, { do: 'release' }])?.state, 'queued')
  assert.equal(nextJob({ value: job, revision: 7 }, offer, 5)?.expected, 7)
})

test('a state has changed when a value moved by its step', () => {
  const job = STATE.job!
  const same: PrinterState[] = [
    { ...STATE, seq: 815, t: 5, et: 0, next_s: 5 },
    { ...STATE, temp: { extruder: [215.3, 215], heater_bed: [59.6, 60] } },
    { ...STATE, job: { ...job, progress: 0.4139, print_s: 1370, left_s: 1916 } },
  ]
  assert.deepEqual(
    same.map(state => hasChanged(STATE, state)),
    [false, false, false],
  )
  const changed: PrinterState[] = [
    { ...STATE, klippy: 'shutdown' },
    { ...STATE, temp: { extruder: [215.4, 215], heater_bed: [60, 60] } },
    { ...STATE, temp: { extruder: [214.9, 0], heater_bed: [60, 60] } },
    { ...STATE, temp: { extruder: [214.9, 215], chamber: [60, 60] } },
    { ...STATE, temp: {} },
    { ...STATE, job: { ...job, progress: 0.414 } },
    { ...STATE, job: { ...job, print_s: 1371 } },
    { ...STATE, job: { ...job, left_s: null } },
    { ...STATE, job: { ...job, state: 'paused' } },
    { ...STATE, job: null },
    { ...STATE, labels: { material: 'PETG' } },
  ]
  assert.deepEqual(
    changed.map(state => hasChanged(STATE, state)),
    changed.map(() => true),
  )
  assert.ok(isNewer(null, STATE) && isNewer(STATE, { ...STATE, seq: 815 }))
  assert.ok(isNewer(STATE, { ...STATE, boot: 'other', seq: 1 }))
  assert.ok(!isNewer(STATE, STATE) && !isNewer(STATE, { ...STATE, seq: 3 }))
})

test('presence follows from the age of the newest state', () => {
  const at = (next_s: number, age: number) => presenceOf({ link: 'open', next_s }, age)
  assert.deepEqual(
    [at(30, 40), at(30, 40.1), at(30, 75), at(30, 75.1)],
    ['online', 'late', 'late', 'offline'],
  )
  assert.deepEqual([at(1, 11), at(1, 20), at(1, 22)], ['online', 'late', 'offline'])
  assert.equal(presenceOf({ link: 'closed', next_s: 30 }, 1), 'closed')
})

test('a command expires, needs a right clock, and an emergency stop does not', () => {
  const now = 1_790_000_000_000
  const command = { do: 'pause', issued: now, expires: now + 10_000 }
  assert.equal(expiryProblem(command, now), null)
  assert.equal(expiryProblem(command, now - 59_000), null)
  assert.match(expiryProblem(command, now - 3_600_000)!, /3600 s ahead/)
  assert.match(expiryProblem(command, now + 3_600_000)!, /expired 3590 s ago/)
  assert.match(expiryProblem({ ...command, expires: now + 61_000 }, now)!, /may be valid for 60 s/)
  assert.equal(expiryProblem({ ...command, do: 'emergency_stop' }, now + 3_600_000), null)
  const read = readMessage(
    commandSchema,
    messageOf({ ...command, id: JOB, as: { user: 'ann', role: 'operator' } }),
  )
  assert.deepEqual(read.kind === 'message' && [read.value.args, read.value.if], [{}, {}])
})

test('a ULID sorts by its time', () => {
  const id = ulid(1_790_000_000_123)
  assert.match(id, ULID)
  assert.equal(timeOfUlid(id), 1_790_000_000_123)
  assert.ok(ulid(1) < ulid(2) && ulid(2) < id)
  assert.notEqual(ulid(5), ulid(5))
})

test('a code is read as it was made, and nothing else is a code', () => {
  const code = { hub: 'https://höb.example:7200', secret: 'c2VjcmV0', ca: 'a'.repeat(64) }
  assert.deepEqual(readCode(` ${codeText(code)}\n`), code)
  const wrong = [
    '',
    'fleet1.',
    'fleet1.!!!',
    'fleet2.e30',
    `fleet1.${btoa('[]')}`,
    `fleet1.${btoa('{}')}`,
    codeText({ ...code, hub: 'file:///etc/passwd' }),
    codeText({ ...code, ca: 'short' }),
    codeText({ ...code, secret: 'x'.repeat(2000) }),
  ]
  assert.deepEqual(
    wrong.map(readCode),
    wrong.map(() => null),
  )
})
