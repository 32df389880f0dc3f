// Tests that mount file systems or set limits, one by its name: `node mounted.ts NAME`, in namespaces of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { pbkdf2, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import type { DataPaths } from '../../../src/core/paths.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { openFileClient } from './file-client.ts'
import { upload } from './form.ts'
import { listFiles } from './list-files.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'mounted-'))
const REMOTE = fileURLToPath(new URL('../../support/remote-folder.ts', import.meta.url))
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
}

/** Mounts a folder with one file through FUSE, as a network disk is; `disk` is the process that serves it. */
function mountRemote(): { backing: string; target: string; disk: ChildProcess } {
  const [backing, target] = ['backing', 'remote'].map(name => join(FOLDER, name)) as [string, string]
  for (const folder of [backing, target]) mkdirSync(folder)
  writeFileSync(join(backing, 'a.gcode'), 'G28')
  const device = openSync('/dev/fuse', 'r+')
  const stdio = ['ignore' as const, 'inherit' as const, 'inherit' as const, device]
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0'
  execFileSync('mount', ['-i', '-t', 'fuse', '-o', options, 'nas', target], { stdio })
  const disk = spawn(process.execPath, [REMOTE, backing], { stdio })
  closeSync(device)
  return { backing, target, disk }
}

/** inotify does not report changes on a network file system: the server polls it. */
async function remoteFolder(): Promise<void> {
  const { backing, target } = mountRemote()
  try {
    await using fileClient = await openFileClient({
      clock: quickClock(),
      prepare: ({ gcodes }) => {
        mkdirSync(gcodes)
        symlinkSync(target, join(gcodes, 'NAS'))
      },
    })
    const { client, rig } = fileClient
    const paths = async () => ((await fileClient.call('list')) as { path: string }[]).map(({ path }) => path)
    const notified = (action: string, path: string) =>
      client.find(({ params }) => params?.[0]?.action === action && params[0].item.path === path)
    assert.deepEqual(await paths(), ['NAS/a.gcode'])
    assert.equal((await sendRequest(rig.port, '/server/files/gcodes/NAS/a.gcode')).body, 'G28')
    mkdirSync(join(backing, 'sub'))
    writeFileSync(join(backing, 'sub', 'b.gcode'), 'G28')
    assert.deepEqual(await paths(), ['NAS/a.gcode', 'NAS/sub/b.gcode'], 'listings query the other machine')
    await notified('create_dir', 'NAS/sub')
    writeFileSync(join(backing, 'a.gcode'), 'longer than before')
    await notified('modify_file', 'NAS/a.gcode')
    rmSync(join(backing, 'sub'), { recursive: true })
    await notified('delete_dir', 'NAS/sub')
  } finally {
    unmount(target)
  }
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

/** A network disk stops responding: a call to it never returns. The rest of the server works, and so does it later. */
async function silentDisk(): Promise<void> {
  const { backing, target, disk } = mountRemote()
  // On a busy machine the disk needs its time while it responds.
  let isSilent = false
  const after: Clock['after'] = (seconds, task) => systemClock.after(isSilent ? seconds / 10 : seconds, task)
  try {
    await using fileClient = await openFileClient({
      clock: { ...systemClock, after },
      prepare: ({ gcodes }) => {
        mkdirSync(gcodes)
        writeFileSync(join(gcodes, 'local.gcode'), 'G28')
        symlinkSync(target, join(gcodes, 'NAS'))
      },
    })
    const { rig } = fileClient
    const paths = async () => ((await fileClient.call('list')) as { path: string }[]).map(({ path }) => path)
    const download = (path: string) => sendRequest(rig.port, `/server/files/gcodes/${path}`)
    const all = ['NAS/a.gcode', 'local.gcode']
    assert.deepEqual(await paths(), all)

    isSilent = true
    disk.kill('SIGSTOP')
    const replies = await Promise.all(Array.from({ length: 20 }, () => download('NAS/a.gcode')))
    for (const { status, json } of replies) {
      assert.equal(status, 503)
      assert.equal(json.error.message, `The network disk ${target} does not respond, try again later`)
    }
    for (const method of ['get_directory', 'delete_directory'])
      assert.equal((await fileClient.refusal(method, { path: 'gcodes/NAS' })).code, 503)
    assert.equal((await download('local.gcode')).body, 'G28')
    assert.equal((await upload(rig.port, 'new.gcode', 'G28')).status, 201)
    assert.deepEqual(await paths(), ['NAS/a.gcode', 'local.gcode', 'new.gcode'], 'what is known stays')
    // All threads but that of the probe are free.
    await Promise.all([1, 2, 3].map(() => promisify(pbkdf2)('a', 'b', 1, 8, 'sha1')))

    isSilent = false
    disk.kill('SIGCONT')
    writeFileSync(join(backing, 'b.gcode'), 'G28')
    while ((await download('NAS/b.gcode')).status !== 200);
    assert.deepEqual(await paths(), ['NAS/a.gcode', 'NAS/b.gcode', 'local.gcode', 'new.gcode'])
  } finally {
    disk.kill('SIGCONT')
    unmount(target)
  }
}

/** The folder of a root is on a network disk that does not respond: there is a warning until it does. */
async function silentRoot(): Promise<void> {
  const { target, disk } = mountRemote()
  try {
    await using fileClient = await openFileClient({
      clock: quickClock(),
      roots: ['gcodes'],
      prepare: ({ gcodes }) => symlinkSync(target, gcodes),
    })
    const { call, client, rig, refusal } = fileClient
    const warnings = async () => (await client.call('server.info')).result.warnings.join('\n')
    disk.kill('SIGSTOP')
    while (!(await warnings()).includes("root 'gcodes' is on a network disk that does not respond"));
    assert.equal((await refusal('list', { root: 'gcodes' })).code, 503)
    assert.equal((await upload(rig.port, 'b.gcode', 'G28')).status, 503)
    writeFileSync(join(rig.paths.config, 'printer.cfg'), '[printer]')
    while (((await call('list', { root: 'config' })) as unknown[]).length < 2);
    disk.kill('SIGCONT')
    while ((await warnings()).includes('does not respond'));
    assert.equal(((await call('list')) as unknown[]).length, 1)
  } finally {
    disk.kill('SIGCONT')
    unmount(target)
  }
}

const TESTS: Readonly<Record<string, () => Promise<void>>> = {
  'bound-file': boundFile,
  'bound-file-killed': boundFileKilled,
  interrupted,
  'read-only': readOnly,
  'remote-folder': remoteFolder,
  'silent-disk': silentDisk,
  'silent-root': silentRoot,
  'few-watches': () => fewWatches('max_inotify_watches', '8'),
  'no-watches': () => fewWatches('max_inotify_instances', '0'),
}

await TESTS[process.argv[2] as string]?.()
process.exit(0)
