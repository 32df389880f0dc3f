// Tests that mount file systems or set limits, one by its name: `node mounted.ts NAME`, in namespaces of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { DataPaths } from '../../../src/core/paths.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { openFileClient } from './file-client.ts'
import { upload } from './form.ts'
import { listFiles } from './list-files.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'mounted-'))
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)

const children = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  try {
    rmSync(FOLDER, { recursive: true })
  } catch {
    // Mounted folders in it go with the namespaces; the folder is in that of the test run.
  }
})

const mount = (...args: string[]) => void execFileSync('mount', args)
const unmount = (path: string) => void execFileSync('umount', [path])

function makeReadOnly(path: string): void {
  mount('--bind', path, path)
  mount('-o', 'remount,bind,ro', path)
}

/** Mounts a file of a small disk over `config/printer.cfg`, as a container does; returns its path. */
function bindPrinterCfg({ config }: DataPaths): string {
  const disk = join(FOLDER, 'disk')
  mkdirSync(disk)
  mount('-t', 'tmpfs', '-o', 'size=256k', 'none', disk)
  const file = join(disk, 'printer.cfg')
  const target = join(config, 'printer.cfg')
  for (const path of [file, target]) writeFileSync(path, '[printer]\n')
  mount('--bind', file, target)
  return file
}

/** A file that is mounted by itself cannot be replaced: it is overwritten. */
async function boundFile(): Promise<void> {
  let file = ''
  await using rig = await startRig({
    printer: 'none',
    prepare: paths => {
      file = bindPrinterCfg(paths)
    },
  })
  const { port, paths } = rig
  const content = () => readFileSync(file, 'utf8')
  const before = listFiles(paths.config)
  const saved = await upload(port, 'printer.cfg', '[printer]\nkinematics: none\n', { root: 'config' })
  assert.deepEqual([saved.status, saved.json.action], [201, 'modify_file'], saved.body)
  assert.equal(content(), '[printer]\nkinematics: none\n')
  assert.equal((await upload(port, 'printer.cfg', 'short', { root: 'config' })).status, 201)
  assert.equal(content(), 'short')
  const tooLarge = await upload(port, 'printer.cfg', 'x'.repeat(1_000_000), { root: 'config' })
  assert.equal(tooLarge.status, 507, tooLarge.body)
  assert.equal(content(), 'short')
  for (const verb of ['copy', 'move']) {
    writeFileSync(join(paths.config, 'other.cfg'), verb)
    const transfer = { source: 'config/other.cfg', dest: 'config/printer.cfg' }
    const reply = await postJson(port, `/server/files/${verb}`, transfer)
    assert.equal(reply.status, 200, reply.body)
    assert.equal(content(), verb)
  }
  const away = { source: 'config/printer.cfg', dest: 'config/away.cfg' }
  assert.equal((await postJson(port, '/server/files/move', away)).status, 403)
  assert.equal((await sendRequest(port, '/server/files/config/printer.cfg', { verb: 'DELETE' })).status, 403)
  assert.deepEqual(listFiles(paths.config), before)
  unmount(join(paths.config, 'printer.cfg'))
}

const startServer = (data: string) => startServerProcess(data, { started: child => void children.add(child) })

/** A server that is killed as soon as it overwrites a file leaves the old or the new content after the next start. */
async function boundFileKilled(): Promise<void> {
  const data = join(FOLDER, 'data')
  const config = join(data, 'config')
  const path = join(config, 'printer.cfg')
  mkdirSync(config, { recursive: true })
  for (const each of [path, join(FOLDER, 'bound.cfg')]) writeFileSync(each, 'first')
  mount('--bind', join(FOLDER, 'bound.cfg'), path)
  writeFileSync(
    join(config, 'moonraker.conf'),
    '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n' +
      '[announcements]\nenable_moonlight: False\n',
  )
  let acknowledged = Buffer.from('first')
  for (let round = 0; round < ROUNDS; round += 1) {
    const { child, port } = await startServer(data)
    const sent = [acknowledged]
    const exited = once(child, 'exit')
    const { promise: first, resolve } = Promise.withResolvers<void>()
    const uploads = (async () => {
      for (;;) {
        const body = randomBytes(randomInt(4_000_000, 8_000_000))
        sent.push(body)
        const { status } = await upload(port, 'printer.cfg', body, { root: 'config' })
        if (status !== 201) return child.kill('SIGKILL')
        acknowledged = body
        sent.splice(0, sent.length, body)
        resolve()
      }
    })().catch(() => {})
    await Promise.race([first, exited])
    const { mtimeMs } = statSync(path)
    while (child.exitCode === null && statSync(path).mtimeMs === mtimeMs) await setImmediate()
    child.kill('SIGKILL')
    await exited
    await uploads
    const { child: next, port: nextPort } = await startServer(data)
    const { body } = await sendRequest(nextPort, '/server/files/directory?path=config')
    assert.match(body, /printer\.cfg/)
    const found = readFileSync(path)
    assert.ok(
      sent.some(each => each.equals(found)),
      `round ${round}: ${found.length} bytes, a mixture`,
    )
    assert.ok(!existsSync(join(config, '.uploads')))
    acknowledged = found
    next.kill('SIGKILL')
    await once(next, 'exit')
  }
}

/** What a killed server leaves in its staging folder is restored before the root is served. */
async function interrupted(): Promise<void> {
  const name = '123e4567-e89b-12d3-a456-426614174000'
  await using rig = await startRig({
    printer: 'none',
    prepare: ({ config }) => {
      const staging = join(config, '.uploads')
      mkdirSync(staging)
      writeFileSync(join(config, 'printer.cfg'), 'half of the new cont')
      writeFileSync(join(staging, name), 'half of the new content')
      writeFileSync(join(staging, `${name}.previous`), 'old')
      writeFileSync(join(staging, `${name}.target`), 'printer.cfg')
    },
  })
  assert.equal((await sendRequest(rig.port, '/server/files/config/printer.cfg')).body, 'old')
  assert.ok(!existsSync(join(rig.paths.config, '.uploads')))
}

/** The server starts with read-only folders, warns, and writes when it can. */
async function readOnly(): Promise<void> {
  await using fileClient = await openFileClient({
    clock: quickClock(),
    prepare: ({ gcodes, config }) => {
      mkdirSync(gcodes)
      writeFileSync(join(gcodes, 'a.gcode'), 'G28')
      for (const folder of [gcodes, config]) makeReadOnly(folder)
    },
  })
  const { rig, client, call } = fileClient
  const warnings = async () => (await client.call('server.info')).result.warnings as string[]
  const texts = (await warnings()).map(text => text.replaceAll(rig.dataPath, ''))
  assert.deepEqual(texts.sort(), [
    "The folder of root 'config' is read-only: /config. Give the user of this server the right to write.",
    "The folder of root 'gcodes' is read-only: /gcodes. Give the user of this server the right to write.",
  ])
  const permissions = async () => {
    const roots = (await call('roots')) as { name: string; permissions: string }[]
    return Object.fromEntries(roots.map(({ name, permissions: each }) => [name, each]))
  }
  assert.deepEqual(await permissions(), { config: 'r', logs: 'r', gcodes: 'r' })
  assert.equal((await sendRequest(rig.port, '/server/files/gcodes/a.gcode')).body, 'G28')
  assert.equal((await upload(rig.port, 'b.gcode', 'G28')).status, 403)
  for (const folder of [rig.paths.gcodes, rig.paths.config]) unmount(folder)
  await client.find(
    ({ params }) => params?.[0]?.action === 'root_update' && params[0].item.permissions === 'rw',
  )
  while ((await warnings()).length > 0);
  assert.deepEqual(await permissions(), { config: 'rw', logs: 'r', gcodes: 'rw' })
  assert.equal((await upload(rig.port, 'b.gcode', 'G28')).status, 201)
  const stick = join(rig.paths.gcodes, 'stick')
  mkdirSync(stick)
  mount('-t', 'tmpfs', 'none', stick)
  writeFileSync(join(stick, 'kept.gcode'), 'G28')
  mount('-o', 'remount,ro', stick)
  const away = { source: 'gcodes/stick/kept.gcode', dest: 'gcodes/kept.gcode' }
  const refused = await postJson(rig.port, '/server/files/move', away)
  assert.match(refused.json.error.message, /Read-only file system: 'gcodes\/stick\/kept\.gcode'/)
  assert.equal(existsSync(join(rig.paths.gcodes, 'kept.gcode')), false)
  // Without a wait for the server's last handle.
  execFileSync('umount', ['-l', stick])
}

/** With too few watches the server warns, and polls the folders that it cannot watch. */
async function fewWatches(limit: string, value: string): Promise<void> {
  writeFileSync(`/proc/sys/user/${limit}`, value)
  const folders = Array.from({ length: 20 }, (_, index) => `folder-${index}`)
  await using fileClient = await openFileClient({
    clock: quickClock(),
    prepare: ({ gcodes }) => {
      for (const folder of folders) mkdirSync(join(gcodes, folder), { recursive: true })
    },
  })
  const { client, at } = fileClient
  const warnings = (await client.call('server.info')).result.warnings.join()
  assert.match(warnings, /The system allows too few watches on folders/)
  for (const folder of folders) writeFileSync(at(folder, 'a.gcode'), 'G28')
  assert.equal(((await fileClient.call('list')) as unknown[]).length, folders.length)
  for (const folder of folders) {
    await client.find(({ params }) => params?.[0]?.item?.path === `${folder}/a.gcode`)
  }
}

const TESTS: Readonly<Record<string, () => Promise<void>>> = {
  'bound-file': boundFile,
  'bound-file-killed': boundFileKilled,
  interrupted,
  'read-only': readOnly,
  'few-watches': () => fewWatches('max_inotify_watches', '8'),
  'no-watches': () => fewWatches('max_inotify_instances', '0'),
}

await TESTS[process.argv[2] as string]?.()
process.exit(0)
