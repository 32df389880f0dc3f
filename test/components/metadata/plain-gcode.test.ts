// Prints of binary G-code, through each of the server's interfaces; and when the plain G-code is removed.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { binaryGcode, deflated, gcode, settings, shrunk } from './bgcode-writer.ts'

/** A print of `minutes`, by its slicer; it contains `commands`. */
function binary(minutes: number, commands = 'G4 P1000\n'.repeat(1000)): Buffer {
  return binaryGcode([
    settings(0, 'Producer=PrusaSlicer 2.8.1\nProduced on=2024-10-21 at 06:38:01 UTC\n'),
    settings(3, 'printer_model=MK4S\n'),
    settings(4, `estimated printing time (normal mode)=${minutes}m\n`),
    deflated(settings(2, 'layer_height=0.2\n')),
    shrunk(gcode(commands, 'meatpack'), 12),
  ])
}

const OBJECT = `; printing object cube id:0 copy 0
M117 printed
; stop printing object cube id:0 copy 0
`

/** Plain G-code as the server makes it, of a binary file that has changed at `modified`, in milliseconds. */
function writeCopy(gcodes: string, binaryName: string, modified: number): void {
  const path = join(gcodes, `${binaryName}.gcode`)
  const mark = `; plain G-code of ${binaryName}, made by moonraker-ts at ${Math.floor(modified)}`
  writeFileSync(path, `G28\n${mark}\n`)
  utimesSync(path, modified / 1000, modified / 1000)
}

class Scene implements AsyncDisposable {
  readonly rig: Rig
  readonly client: WebClient
  /** Frames that are no longer of interest. */
  #seen = 0

  private constructor(rig: Rig, client: WebClient) {
    this.rig = rig
    this.client = client
  }

  static async open(options: RigOptions = {}): Promise<Scene> {
    const rig = await startRig(options)
    const scene = new Scene(rig, await WebClient.open(rig.url))
    if (options.printer !== 'none')
      await scene.call('printer.objects.subscribe', { objects: { print_stats: null, virtual_sdcard: null } })
    await scene.call('server.files.list', { root: 'gcodes' })
    return scene
  }

  at(name: string): string {
    return join(this.rig.paths.gcodes, name)
  }

  /** The result of a method; rejects with its error. */
  async call(method: string, params?: object): Promise<Frame> {
    const { result, error } = await this.client.call(method, params)
    if (error !== undefined) throw new Error(error.message)
    return result
  }

  async upload(
    path: string,
    name: string,
    bytes: Buffer,
    fields: Record<string, string> = {},
  ): Promise<Frame> {
    const form = new FormData()
    for (const [field, value] of Object.entries(fields)) form.set(field, value)
    form.set('file', new Blob([new Uint8Array(bytes)]), name)
    const reply = await fetch(`${this.rig.url}${path}`, { method: 'POST', body: form })
    assert.equal(reply.status, 201, await reply.clone().text())
    return await reply.json()
  }

  /** Resolves with the next status update that `fits`. */
  status(fits: (change: Frame) => boolean): Promise<Frame> {
    return this.#next(({ method, params }) => method === 'notify_status_update' && fits(params[0]))
  }

  /** Resolves with the next notification of a change of the file. */
  changed(action: string, path: string): Promise<Frame> {
    return this.#next(
      ({ method, params }) =>
        method === 'notify_filelist_changed' && params[0].action === action && params[0].item.path === path,
    )
  }

  async #next(fits: (frame: Frame) => boolean): Promise<Frame> {
    let position = 0
    const frame = await this.client.find((each, index) => {
      position = index
      return index >= this.#seen && fits(each)
    })
    this.#seen = position + 1
    return frame
  }

  /** The names in both listings of gcodes. */
  async listed(): Promise<string[][]> {
    const all = await this.call('server.files.list', { root: 'gcodes' })
    const { files } = await this.call('server.files.get_directory', { path: 'gcodes', extended: true })
    return [all.map(({ path }: Frame) => path), files.map(({ filename }: Frame) => filename).sort()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
  }
}

type Way = (scene: Scene, name: string) => Promise<void>

const WAYS: Readonly<Record<string, Way>> = {
  async start(scene, name) {
    await scene.upload('/server/files/upload', name, binary(5))
    await scene.call('printer.print.start', { filename: name })
  },
  async upload(scene, name) {
    const reply = await scene.upload('/server/files/upload', name, binary(5), { print: 'true' })
    assert.equal(reply.print_started, true)
    assert.equal(reply.item.path, name)
  },
  async queue(scene, name) {
    await scene.upload('/server/files/upload', name, binary(5))
    await scene.call('server.job_queue.post_job', { filenames: [name] })
    await scene.call('server.job_queue.start')
  },
  async octoprint(scene, name) {
    const reply = await scene.upload('/api/files/local', name, binary(5), { print: 'true' })
    assert.equal(reply.effectivePrint, true)
  },
  async select(scene, name) {
    await scene.upload('/server/files/upload', name, binary(5))
    const reply = await fetch(`${scene.rig.url}/api/files/local/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ command: 'select', print: true }),
    })
    assert.equal(reply.status, 204, await reply.text())
  },
}

test('each way to print', async () => {
  await using scene = await Scene.open({ conf: '[octoprint_compat]' })
  for (const [way, print] of Object.entries(WAYS)) {
    await print(scene, `${way}.bgcode`)
    const filename = `${way}.bgcode.gcode`
    await scene.status(({ print_stats }) => print_stats?.state === 'printing')
    const { status } = await scene.call('printer.objects.query', { objects: { print_stats: null } })
    assert.equal(status.print_stats.filename, filename)
    const metadata = await scene.call('server.files.metadata', { filename })
    assert.equal(metadata.slicer, 'PrusaSlicer')
    assert.equal(metadata.estimated_time, 300)
    assert.ok(metadata.gcode_end_byte > metadata.gcode_start_byte)
    const [job] = (await scene.call('server.history.list', { limit: 1, order: 'desc' })).jobs
    assert.deepEqual([job.filename, job.exists, job.metadata.estimated_time], [filename, true, 300])
    assert.equal((await scene.call('server.job_queue.status')).queued_jobs.length, 0)
    await scene.call('printer.print.cancel')
    await scene.status(({ print_stats }) => print_stats?.state === 'cancelled')
  }
  const all = Object.keys(WAYS).map(way => `${way}.bgcode.gcode`)
  assert.deepEqual(await scene.listed(), [all.toSorted(), all.toSorted()])
})

test('a binary file that was not printed is listed with its metadata', async () => {
  await using scene = await Scene.open({ printer: 'none' })
  await scene.upload('/server/files/upload', 'a.bgcode', binary(5))
  const metadata = await scene.call('server.files.metadata', { filename: 'a.bgcode' })
  assert.equal(metadata.estimated_time, 300)
  assert.deepEqual(await scene.listed(), [['a.bgcode'], ['a.bgcode']])
})

test('plain G-code is used again until the binary file changes, and is deleted with it', async () => {
  await using scene = await Scene.open({ conf: '[file_manager]\nenable_object_processing: True' })
  const print = async () => {
    await scene.call('printer.print.start', { filename: 'a.bgcode' })
    await scene.call('printer.gcode.script', { script: 'SDCARD_RESET_FILE' })
    return statSync(scene.at('a.bgcode.gcode')).ctimeMs
  }
  const short = (minutes: number) => binary(minutes, OBJECT)
  await scene.upload('/server/files/upload', 'a.bgcode', short(5))
  const first = await print()
  assert.match(readFileSync(scene.at('a.bgcode.gcode'), 'utf8'), /^EXCLUDE_OBJECT_START NAME=cube/m)
  assert.equal(await print(), first)

  await scene.upload('/server/files/upload', 'a.bgcode', short(6))
  await scene.changed('delete_file', 'a.bgcode.gcode')
  assert.deepEqual(await scene.listed(), [['a.bgcode'], ['a.bgcode']])
  assert.notEqual(await print(), first)
  const { estimated_time } = await scene.call('server.files.metadata', { filename: 'a.bgcode.gcode' })
  assert.equal(estimated_time, 360)

  await scene.call('server.files.move', { source: 'gcodes/a.bgcode', dest: 'gcodes/b.bgcode' })
  await scene.changed('delete_file', 'a.bgcode.gcode')
  assert.deepEqual(await scene.listed(), [['b.bgcode'], ['b.bgcode']])

  await scene.upload('/server/files/upload', 'b.bgcode', binary(5), { print: 'true' })
  await scene.status(({ virtual_sdcard: card }) => card?.file_path?.endsWith('/b.bgcode.gcode'))
  await scene.call('server.files.delete_file', { path: 'gcodes/b.bgcode' })
  await scene.changed('delete_file', 'b.bgcode')
  assert.deepEqual(await scene.listed(), [['b.bgcode.gcode'], ['b.bgcode.gcode']], 'it is printed')
  await scene.call('printer.print.cancel')
  await scene.changed('delete_file', 'b.bgcode.gcode')
  assert.deepEqual(await scene.listed(), [[], []])
})

test('plain G-code is removed when another program deletes the binary file', async () => {
  await using scene = await Scene.open()
  await scene.upload('/server/files/upload', 'a.bgcode', binary(5, 'M117 printed\n'), { print: 'true' })
  await scene.changed('create_file', 'a.bgcode.gcode')
  rmSync(scene.at('a.bgcode'))
  await scene.changed('delete_file', 'a.bgcode.gcode')
})

test('outdated plain G-code is removed at the start', async () => {
  await using scene = await Scene.open({
    printer: 'none',
    prepare({ gcodes }) {
      mkdirSync(gcodes)
      writeCopy(gcodes, 'part.bgcode', 1_700_000_000_123)
      writeFileSync(join(gcodes, 'other.bgcode'), binary(5))
      writeCopy(gcodes, 'other.bgcode', statSync(join(gcodes, 'other.bgcode')).mtimeMs)
    },
  })
  if (existsSync(scene.at('part.bgcode.gcode'))) await scene.changed('delete_file', 'part.bgcode.gcode')
  assert.deepEqual(await scene.listed(), [['other.bgcode.gcode'], ['other.bgcode.gcode']])
})

test('a file of the user with the name of plain G-code stays', async () => {
  await using scene = await Scene.open({
    prepare({ gcodes }) {
      mkdirSync(gcodes)
      for (const name of ['a', 'changed', 'copied']) writeCopy(gcodes, `${name}.bgcode`, 1_700_000_000_000)
      writeFileSync(join(gcodes, 'changed.bgcode.gcode'), 'G28\n', { flag: 'a' })
      renameSync(join(gcodes, 'copied.bgcode.gcode'), join(gcodes, 'moved.bgcode.gcode'))
      writeFileSync(join(gcodes, 'own.bgcode.gcode'), 'G28\n')
    },
  })
  if (existsSync(scene.at('a.bgcode.gcode'))) await scene.changed('delete_file', 'a.bgcode.gcode')
  const own = ['changed.bgcode.gcode', 'moved.bgcode.gcode', 'own.bgcode.gcode']
  assert.deepEqual(await scene.listed(), [own, own])

  await scene.upload('/server/files/upload', 'own.bgcode', binary(5))
  const refused = await scene.client.call('printer.print.start', { filename: 'own.bgcode' })
  assert.equal(refused.error.code, 409)
  assert.match(refused.error.message, /the server did not make the file of that name: rename or delete it$/)
  await scene.call('server.files.delete_file', { path: 'gcodes/own.bgcode' })
  await scene.changed('delete_file', 'own.bgcode')
  assert.equal(readFileSync(scene.at('own.bgcode.gcode'), 'utf8'), 'G28\n')
})

test('an upload that replaces plain G-code counts as a file of the user', async () => {
  await using scene = await Scene.open()
  await scene.upload('/server/files/upload', 'a.bgcode', binary(5, 'M117 printed\n'), { print: 'true' })
  await scene.changed('create_file', 'a.bgcode.gcode')
  await scene.call('printer.gcode.script', { script: 'SDCARD_RESET_FILE' })
  const bytes = readFileSync(scene.at('a.bgcode.gcode'))
  await scene.upload('/server/files/upload', 'a.bgcode.gcode', bytes)
  await scene.call('server.files.delete_file', { path: 'gcodes/a.bgcode' })
  await scene.changed('delete_file', 'a.bgcode')
  assert.deepEqual(await scene.listed(), [['a.bgcode.gcode'], ['a.bgcode.gcode']])
})

test('a file that cannot be converted is not printed', async () => {
  await using scene = await Scene.open()
  const refusal = async (filename: string) =>
    (await scene.client.call('printer.print.start', { filename })).error.message
  const damaged = binary(5)
  damaged[damaged.length - 6]! ^= 1
  const reply = await scene.upload('/server/files/upload', 'a.bgcode', damaged, { print: 'true' })
  assert.equal(reply.print_started, false)
  assert.match(
    await refusal('a.bgcode'),
    /^a\.bgcode cannot be converted to plain G-code: the block of G-code at byte \d+ is damaged, its checksum is wrong$/,
  )

  writeFileSync(scene.at('missing.bgcode.gcode'), 'G28\n')
  assert.match(await refusal('missing.bgcode'), /Unable to open file/)

  writeFileSync(scene.at('b.bgcode'), binary(5))
  mkdirSync(scene.at('b.bgcode.gcode'))
  assert.equal(await refusal('b.bgcode'), "Is a directory: 'gcodes/b.bgcode.gcode'")

  const { status } = await scene.call('printer.objects.query', { objects: { print_stats: null } })
  assert.equal(status.print_stats.state, 'standby')
  // The analysis in the background may have its own file in the hidden folder.
  const left = readdirSync(scene.rig.paths.gcodes).filter(name => !name.startsWith('.'))
  assert.deepEqual(left.toSorted(), ['a.bgcode', 'b.bgcode', 'b.bgcode.gcode', 'missing.bgcode.gcode'])
})
