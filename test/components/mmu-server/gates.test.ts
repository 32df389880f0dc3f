// The spools of the gates of a multi-material unit: in Spoolman, in Happy Hare, and for slicers.
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { FakeSpoolman } from '../spoolman/fake-spoolman.ts'

const HOST = hostname()

/** A spool as Spoolman returns it. */
function spool(
  id: number,
  { printer = '', gate = -1, name = `F${id}`, ...filament }: Readonly<Record<string, unknown>> = {},
) {
  return {
    id,
    used_length: 0,
    used_weight: 12.7,
    remaining_weight: 987.3,
    extra: { printer_name: JSON.stringify(printer), mmu_gate_map: JSON.stringify(gate) },
    filament: {
      id: 10 + id,
      name,
      material: 'PLA',
      color_hex: '#FF00FF',
      settings_extruder_temp: 210,
      settings_bed_temp: 60,
      vendor: { name: 'V' },
      ...filament,
    },
  }
}

class Scene implements AsyncDisposable {
  readonly klippy: FakeKlippy
  readonly spoolman: FakeSpoolman
  readonly rig: Rig
  readonly client: WebClient

  private constructor(klippy: FakeKlippy, spoolman: FakeSpoolman, rig: Rig, client: WebClient) {
    this.klippy = klippy
    this.spoolman = spoolman
    this.rig = rig
    this.client = client
  }

  static async start({ hasMmu = true, hasSpoolman = true, conf = '' } = {}): Promise<Scene> {
    const [klippy, spoolman] = await Promise.all([FakeKlippy.start(), FakeSpoolman.start()])
    if (hasMmu) klippy.change('mmu', MMU)
    spoolman.spools.clear()
    for (const each of [
      spool(1, { printer: HOST, gate: 0 }),
      spool(2, { printer: HOST, gate: 1 }),
      spool(3),
      spool(4, { printer: 'other', gate: 0 }),
    ])
      spoolman.spools.set(each.id, each)
    const rig = await startRig({
      klippySocket: klippy.path,
      ready: true,
      conf: `${hasSpoolman ? `[spoolman]\nserver: ${spoolman.url}\n` : ''}[mmu_server]\n${conf}`,
    })
    const client = await WebClient.open(rig.url)
    const scene = new Scene(klippy, spoolman, rig, client)
    if (hasSpoolman) {
      const { result } = await client.call('server.spoolman.status')
      if (!result.spoolman_connected) await client.notified('notify_spoolman_status_changed')
    }
    return scene
  }

  get scripts(): string[] {
    return this.klippy.requests
      .filter(({ method }) => method === 'gcode/script')
      .map(({ params }) => String(params.script))
  }

  /** Klipper's part calls a method; resolves with the scripts that it gets, `count` of them. */
  async call(method: string, params: object, count: number): Promise<string[]> {
    const before = this.scripts.length
    this.klippy.call(method, params)
    await this.klippy.waitFor('gcode/script', before + count)
    return this.scripts.slice(before)
  }

  /** What was changed in Spoolman, by spool: its printer and gate, and its location. */
  get changes(): Readonly<Record<string, unknown>> {
    const patches = this.spoolman.requests.filter(({ method }) => method === 'PATCH')
    const changes = patches.map(({ path, body }) => {
      const { extra, location } = body as Frame
      return [path.split('/').at(-1), [extra.printer_name, extra.mmu_gate_map, location]]
    })
    return Object.fromEntries(changes)
  }

  async lanes(): Promise<Frame> {
    const { result, error } = await this.client.call('server.database.get_item', { namespace: 'lane_data' })
    return error === undefined ? result.value : null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
    await this.spoolman[Symbol.asyncDispose]()
    await this.klippy[Symbol.asyncDispose]()
  }
}

const MMU = {
  enabled: true,
  num_gates: 3,
  gate_status: [1, 2, 0],
  gate_material: ['PLA', 'PETG', ''],
  gate_color: ['ff00ff', '00ff00', ''],
  gate_temperature: [210, 240, 200],
  gate_filament_name: ['', 'Mine', ''],
}

const gateMap = (map: string, replace: string) =>
  `MMU_GATE_MAP MAP="${map}" ${replace} FROM_SPOOLMAN=1 QUIET=1`
const filament = (id: number) =>
  `{'spool_id': ${id}, 'material': 'PLA', 'color': 'ff00ff', 'name': 'F${id}', 'temp': 210, 'bed_temp': 60, 'vendor': 'V', 'filament_id': ${10 + id}}`
const log = (text: string, error = '') => `MMU_LOG MSG='${text}' ${error}`

test('filaments of gates; a spool that Spoolman does not know is left out', async () => {
  await using at = await Scene.start()
  const gate_ids = [
    [0, 1],
    [1, 99],
    [2, -1],
  ]
  const [script] = await at.call('spoolman_get_filaments', { gate_ids, silent: true }, 1)
  assert.equal(script, gateMap(`{0: ${filament(1)}, 2: {'spool_id': -1}}`, ''))
})

test('the spools of this printer, for Happy Hare', async () => {
  await using at = await Scene.start()
  const [script] = await at.call('spoolman_pull_gate_map', { silent: true }, 1)
  assert.equal(script, gateMap(`{0: ${filament(1)}, 1: ${filament(2)}, 2: {'spool_id': -1}}`, 'REPLACE=1'))
})

test('a gate map for Spoolman: extra fields are made, and other spools are taken out', async () => {
  await using at = await Scene.start()
  const gate_ids = [
    [0, 3],
    [1, 2],
    [2, -1],
  ]
  const [script] = await at.call('spoolman_push_gate_map', { gate_ids, silent: true }, 1)
  assert.equal(script, gateMap(`{0: ${filament(3)}, 1: ${filament(2)}, 2: {'spool_id': -1}}`, ''))
  assert.deepEqual(at.changes, {
    1: ['""', '-1', ''],
    2: [`"${HOST}"`, '1', `${HOST} @ MMU Gate:1`],
    3: [`"${HOST}"`, '0', `${HOST} @ MMU Gate:0`],
  })
  const fields = at.spoolman.requests.filter(({ method }) => method === 'POST')
  assert.deepEqual(fields, [
    {
      method: 'POST',
      path: '/api/v1/field/spool/printer_name',
      body: { name: 'Printer Name', field_type: 'text', default_value: '""' },
    },
    {
      method: 'POST',
      path: '/api/v1/field/spool/mmu_gate_map',
      body: { name: 'MMU Gate', field_type: 'integer', default_value: '-1' },
    },
  ])
})

test('a part of a gate map changes its gates only', async () => {
  await using at = await Scene.start({ conf: 'update_spoolman_location: False' })
  await at.call('spoolman_push_gate_map', { gate_ids: [[1, 3]], silent: true }, 1)
  assert.deepEqual(at.changes, {
    2: ['""', '-1', undefined],
    3: [`"${HOST}"`, '1', undefined],
  })
})

test('one spool into a gate, and out of it', async () => {
  await using at = await Scene.start()
  const set = await at.call('spoolman_set_spool_gate', { spool_id: 1, gate: 1, sync: true, silent: false }, 3)
  assert.deepEqual(set.slice(0, 2).sort(), [
    log(`Spool 1 assigned to printer ${HOST} @ gate 1 in Spoolman db`),
    log(`Spool 2 unassigned from printer ${HOST} and gate 1 in Spoolman db`),
  ])
  assert.equal(set[2], gateMap(`{0: {'spool_id': -1}, 1: ${filament(1)}}`, 'REPLACE=1'))
  const unset = await at.call(
    'spoolman_unset_spool_gate',
    { spool_id: null, gate: 1, sync: true, silent: true },
    1,
  )
  assert.deepEqual(unset, [gateMap("{1: {'spool_id': -1}}", 'REPLACE=1')])
  const wrong = await at.call(
    'spoolman_unset_spool_gate',
    { spool_id: 1, gate: 1, sync: true, silent: false },
    1,
  )
  assert.match(wrong[0] ?? '', /either a spool_id or a gate is needed' ERROR=1$/)
  const outside = await at.call('spoolman_set_spool_gate', { spool_id: 1, gate: 3, silent: false }, 1)
  assert.match(outside[0] ?? '', /the gates are 0 to 2\.' ERROR=1$/)
})

test('other extra fields of a spool stay, also in a Spoolman that would remove them', async () => {
  await using at = await Scene.start()
  const shelf = { shelf: '"A1"' }
  at.spoolman.spools.set(3, { ...spool(3), extra: shelf })
  at.spoolman.version = '0.21.0'
  await at.call('spoolman_set_spool_gate', { spool_id: 3, gate: 2, sync: true, silent: true }, 1)
  const place = { printer_name: `"${HOST}"`, mmu_gate_map: '2' }
  assert.deepEqual(at.spoolman.spools.get(3)?.extra, { ...shelf, ...place })
})

test('all spools out of a printer', async () => {
  await using at = await Scene.start()
  const scripts = await at.call('spoolman_clear_spools_for_printer', { sync: true, silent: true }, 1)
  assert.deepEqual(scripts, [gateMap("{0: {'spool_id': -1}, 1: {'spool_id': -1}}", 'REPLACE=1')])
  assert.equal(Object.keys(at.changes).length, 2)
})

test('an unknown spool is reported, and the rest goes on', async () => {
  await using at = await Scene.start()
  const scripts = await at.call(
    'spoolman_push_gate_map',
    {
      gate_ids: [
        [0, 99],
        [1, 3],
      ],
      silent: true,
    },
    2,
  )
  assert.equal(scripts[0], log('SpoolId 99 not found', 'ERROR=1'))
  assert.equal(scripts[1], gateMap(`{1: ${filament(3)}}`, ''))
})

test('what does not fit together is reported, and repaired on request', async () => {
  await using at = await Scene.start()
  at.spoolman.spools.set(5, spool(5, { printer: HOST, gate: 0 }))
  at.spoolman.spools.set(6, spool(6, { printer: HOST }))
  at.spoolman.spools.set(7, spool(7, { gate: 2 }))
  const [report] = await at.call('spoolman_refresh', { fix: false, silent: false }, 1)
  assert.match(report ?? '', /Spool 6 has printer .* but no mmu_gate assigned\\n/)
  assert.match(report ?? '', /Spool 7 has mmu_gate 2 but no printer assigned\\n/)
  assert.match(report ?? '', /@ gate 0 has multiple spool ids: \[1, 5\]/)
  assert.deepEqual(at.changes, {})
  await at.call('spoolman_refresh', { fix: true, silent: false }, 4)
  assert.deepEqual(Object.keys(at.changes), ['5', '6', '7'])
})

test('a spool and the gates on the console', async () => {
  await using at = await Scene.start()
  const [info] = await at.call('spoolman_get_spool_info', { spool_id: 2 }, 1)
  assert.equal(
    info,
    log('Spool is: F2 (id: 2)\\n  - Material: PLA\\n  - Used: 12 g\\n  - Remaining: 987 g\\n  - Gate: 1'),
  )
  const [none] = await at.call('spoolman_get_spool_info', { spool_id: null }, 1)
  assert.equal(none, log('No active spool set and no spool id supplied', 'ERROR=1'))
  const [table] = await at.call('spoolman_display_spool_location', { printer: null }, 1)
  assert.match(table ?? '', /Gate \| SpoolId\\n-----\+--------\\n0 {4}\| 1\\n1 {4}\| 2\\n2 {4}\| ' $/)
  const [other] = await at.call('spoolman_display_spool_location', { printer: 'elsewhere' }, 1)
  assert.equal(other, log('No gates assigned for printer: elsewhere'))
})

test('names with quotes and with what ends a command in Klipper', async () => {
  await using at = await Scene.start()
  at.spoolman.spools.set(1, spool(1, { printer: HOST, gate: 0, name: `It's "#1"; 50*2\\ ä`, material: '9%' }))
  const [map] = await at.call('spoolman_get_filaments', { gate_ids: [[0, 1]] }, 1)
  assert.ok(map?.includes("'name': 'It\\x27s \\x22\\x231\\x22\\x3b 50\\x2a2\\x5c ä'"), map)
  // SAVE_VARIABLE, by which Happy Hare stores the map, shuts Klipper down for a percent sign.
  assert.ok(map?.includes("'material': '9\uff05'"), map)
  const [info] = await at.call('spoolman_get_spool_info', { spool_id: 1 }, 1)
  assert.match(info ?? '', /^MMU_LOG MSG='Spool is: It`s `No\.1`, 50x2\/ ä \(id: 1\)/)
})

test('colours that are none, for which Happy Hare would shut Klipper down', async () => {
  await using at = await Scene.start()
  const colors = ['#GG0000', "f'f0000", '12345', '#ABCDEF80', 'abcdef']
  for (const [index, color_hex] of colors.entries())
    at.spoolman.spools.set(index, spool(index, { color_hex }))
  const [map] = await at.call('spoolman_get_filaments', { gate_ids: colors.map((_, id) => [id, id]) }, 1)
  assert.deepEqual(
    [...(map ?? '').matchAll(/'color': '(.*?)'/g)].map(([, color]) => color),
    ['', '', '', 'abcdef80', 'abcdef'],
  )
})

test('without Happy Hare in Klipper: messages as M118, and gate 0', async () => {
  await using at = await Scene.start({ hasMmu: false })
  const scripts = await at.call(
    'spoolman_set_spool_gate',
    { spool_id: 3, gate: null, sync: true, silent: false },
    2,
  )
  assert.deepEqual(scripts.sort(), [
    `M118 Spool 1 unassigned from printer ${HOST} and gate 0 in Spoolman db`,
    `M118 Spool 3 assigned to printer ${HOST} @ gate 0 in Spoolman db`,
  ])
})

test('Happy Hare that is there only after a restart of Klipper', async () => {
  await using at = await Scene.start({ hasMmu: false })
  await at.call('spoolman_display_spool_location', { printer: 'elsewhere' }, 1)
  at.klippy.change('mmu', MMU)
  const [script] = await at.call('spoolman_display_spool_location', { printer: 'elsewhere' }, 1)
  assert.match(script ?? '', /^MMU_LOG/)
})

test('an old Spoolman, and one that is away', async () => {
  await using at = await Scene.start()
  at.spoolman.version = '0.17.9'
  const [old] = await at.call('spoolman_pull_gate_map', { silent: false }, 1)
  assert.match(old ?? '', /Spoolman 0\.17\.9 is too old: version 0\.18\.1 is needed' ERROR=1/)
  at.spoolman.failure = () => ({ status: 500, body: '{"message": "broken"}' })
  const [broken] = await at.call('spoolman_pull_gate_map', { silent: false }, 1)
  assert.match(broken ?? '', /Spoolman: .* ERROR=1/)
})

test('lanes for slicers', async () => {
  await using at = await Scene.start()
  const gate_ids = [
    [0, 1],
    [1, -1],
    [2, 3],
  ]
  at.klippy.change('mmu', { gate_filament_name: ['', 'Mine', ''] })
  at.klippy.call('moonraker_push_lane_data', { gate_ids })
  while ((await at.lanes()) === null) await new Promise(resolve => setImmediate(resolve))
  const empty = { vendor_name: null, name: null, color: null, td: null, material: null, bed_temp: null }
  const nothing = { ...empty, nozzle_temp: null, scan_time: null, spool_id: null, filament_id: null }
  assert.deepEqual(await at.lanes(), {
    lane0: {
      ...nothing,
      vendor_name: 'V',
      name: 'F1',
      color: 'ff00ff',
      material: 'PLA',
      bed_temp: 60,
      nozzle_temp: 210,
      lane: '0',
      spool_id: 1,
      filament_id: 11,
    },
    lane1: { ...nothing, lane: '1' },
    lane2: { ...nothing, lane: '2' },
  })
  at.klippy.call('moonraker_cleanup_lane_data', { num_gates: 1 })
  while ('lane1' in (await at.lanes())) await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(Object.keys(await at.lanes()), ['lane0'])
})

test('without [spoolman], lanes work, and Klipper gets no methods for spools', async () => {
  await using at = await Scene.start({ hasSpoolman: false })
  at.klippy.call('moonraker_push_lane_data', {
    gate_ids: [
      [1, -1],
      [0, 5],
    ],
  })
  while ((await at.lanes()) === null) await new Promise(resolve => setImmediate(resolve))
  assert.equal((await at.lanes()).lane0.material, 'PLA')
  const registered = at.klippy.requests.flatMap(({ method, params }) =>
    method === 'register_remote_method' ? [params.remote_method] : [],
  )
  const own = registered.filter(name => /^(spoolman|moonraker)_/.test(String(name)))
  assert.deepEqual(own, ['moonraker_push_lane_data', 'moonraker_cleanup_lane_data'])
})

test('wrong arguments change nothing', async () => {
  await using at = await Scene.start()
  for (const args of [{ gate_ids: 'all' }, { gate_ids: [[0]] }, { gate_ids: [['x', 1]] }, {}])
    at.klippy.call('spoolman_push_gate_map', args)
  const [script] = await at.call('spoolman_display_spool_location', { printer: 'elsewhere' }, 1)
  assert.match(script ?? '', /elsewhere/)
  assert.deepEqual(at.changes, {})
  assert.ok(at.rig.log.some(line => line.includes('spoolman_push_gate_map')))
})
