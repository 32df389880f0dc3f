// Tests with a network disk, one by its name: `node network-disk.ts NAME`, in namespaces of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  stat,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { get, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { ServerProcess } from '../../support/server-process.ts'
import { openFileClient } from './file-client.ts'
import { formBody, TYPE, upload } from './form.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'network-disk-'))
const REMOTE = fileURLToPath(new URL('../../support/remote-folder.ts', import.meta.url))

process.on('exit', () => {
  try {
    rmSync(FOLDER, { recursive: true })
  } catch {
    // Mounted folders in it go with the namespaces; the folder is in that of the test run.
  }
})

const unmount = (path: string) => void execFileSync('umount', [path])

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
    const file = '/server/files/gcodes/NAS/a.gcode'
    assert.equal((await sendRequest(rig.port, file)).body, 'G28')
    const part = await sendRequest(rig.port, file, { headers: { Range: 'bytes=1-2' } })
    assert.deepEqual([part.status, part.body, part.headers['content-range']], [206, '28', 'bytes 1-2/3'])
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

    writeLarge(join(backing, 'large.gcode'))
    const started = await startDownload(rig.port, 'large.gcode')
    isSilent = true
    disk.kill('SIGSTOP')
    await assert.rejects(finished(started.resume()))
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
    rmSync(join(backing, 'large.gcode'))
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
    const finishUpload = startUpload(rig.port)
    assert.equal(((await call('list')) as unknown[]).length, 1)
    disk.kill('SIGSTOP')
    assert.equal((await finishUpload()).statusCode, 503, 'its staging file cannot be created')
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

/** The folder of a root becomes a link to a network disk that does not respond: the server continues. */
async function relinkedRoot(): Promise<void> {
  const { target, disk } = mountRemote()
  const link = join(FOLDER, 'link')
  const local = join(FOLDER, 'local')
  mkdirSync(local)
  symlinkSync(local, link)
  try {
    await using fileClient = await openFileClient({
      clock: quickClock(),
      prepare: ({ gcodes }) => symlinkSync(link, gcodes),
    })
    disk.kill('SIGSTOP')
    rmSync(link)
    symlinkSync(target, link)
    const warnings = async () => (await fileClient.client.call('server.info')).result.warnings.join('\n')
    while (!(await warnings()).includes("root 'gcodes' is on a network disk that does not respond"));
  } finally {
    disk.kill('SIGCONT')
    unmount(target)
  }
}

/** Sends the headers of an upload, for which the server checks the disk. The function sends the form. */
function startUpload(port: number): () => Promise<IncomingMessage> {
  const body = formBody([{ filename: 'c.gcode', body: 'G28' }])
  const headers = { 'Content-Type': TYPE, 'Content-Length': body.length }
  const req = request(`http://127.0.0.1:${port}/server/files/upload`, { method: 'POST', headers })
  req.flushHeaders()
  return async () => {
    req.end(body)
    const [res] = await once(req, 'response')
    return res.resume()
  }
}

/** How many downloads are in progress when the disk stops responding: more than there are threads. */
const DOWNLOADS = 24
/** More than the system reads ahead. */
const LARGE = 16 * 1024 * 1024

/** Calls that a network disk does not end hold some threads: passwords, uploads and other files have others. */
async function hungCalls(): Promise<void> {
  const { backing, target, disk } = mountRemote()
  await using server = await ServerProcess.prepare()
  const { port, paths } = server
  symlinkSync(target, join(paths.gcodes, 'NAS'))
  writeFileSync(join(paths.gcodes, 'local.gcode'), 'G28')
  const names = Array.from({ length: DOWNLOADS }, (_, index) => `${index}.gcode`)
  for (const name of names) writeLarge(join(backing, name))
  const child = server.start()
  try {
    await server.listening()
    const downloads = await Promise.all(names.map(name => startDownload(port, name)))
    stat(join(target, '.stop'), () => undefined)
    // They read on, and so does the server.
    for (const res of downloads) res.on('error', () => undefined).resume()
    // Each of these needs a thread.
    const user = { username: 'user', password: 'password' }
    assert.equal((await postJson(port, '/access/user', user)).status, 200)
    assert.equal((await postJson(port, '/access/login', user)).status, 200)
    assert.equal((await upload(port, 'new.gcode', 'G28')).status, 201)
    assert.equal((await sendRequest(port, '/server/files/gcodes/local.gcode')).body, 'G28')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  } finally {
    disk.kill('SIGCONT')
    await server.kill()
    unmount(target)
  }
}

/** A file without content on the disk of the test. */
function writeLarge(path: string): void {
  writeFileSync(path, '')
  truncateSync(path, LARGE)
}

/** Resolves when the first bytes have arrived. */
async function startDownload(port: number, name: string): Promise<IncomingMessage> {
  const [res] = await once(get(`http://127.0.0.1:${port}/server/files/gcodes/NAS/${name}`), 'response')
  await once(res, 'readable')
  return res
}

const TESTS: Readonly<Record<string, () => Promise<void>>> = {
  'remote-folder': remoteFolder,
  'silent-disk': silentDisk,
  'silent-root': silentRoot,
  'relinked-root': relinkedRoot,
  'hung-calls': hungCalls,
}

await TESTS[process.argv[2] as string]?.()
process.exit(0)
