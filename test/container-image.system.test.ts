// The container image, built as a release builds it, and run by buildah: a file is uploaded to a virtual printer in it and
// printed.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Component } from '../scripts/third-party.mjs'
import { connect } from '../src/client/index.ts'
import { absent } from './support/program.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONTAINER = 'printer'
const CONF = `[server]
host: 127.0.0.1
port: 0
[authorization]
trusted_clients: 127.0.0.1
[announcements]
enable_moonlight: False
`

/** What a test reads of an image's configuration. */
interface Config {
  readonly Entrypoint: readonly string[]
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
}

/** Builds the image into `file`. Returns its digest. */
async function build(file: string, architecture: string): Promise<string> {
  const args = [join(ROOT, 'scripts', 'build-image.ts'), '--arch', architecture, '--output', file]
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' }
  const { stdout } = await run(process.execPath, args, { env })
  return stdout.trim().split(' ').at(-1) ?? ''
}

/** The id of the process in the container that has `log` as its log file. */
function processWith(log: string): number {
  const ids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  const found = ids.find(id => {
    try {
      const args = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0')
      return args[0] === '/usr/bin/node' && args.includes(log)
    } catch {
      return false
    }
  })
  return Number(found)
}

/** Uploads a file, and resolves to how its print ended. */
async function print(port: number) {
  using client = await connect({ url: `ws://127.0.0.1:${port}` })
  const ready = new Promise<void>(resolve => {
    client.on('notify_klippy_ready', resolve)
  })
  const ended = new Promise<string>(resolve => {
    client.on('notify_history_changed', ({ action, job }) => {
      if (action === 'finished') resolve(`${job.filename} ${job.status}`)
    })
  })
  if ((await client.call('server.info')).klippy_state !== 'ready') await ready
  const restart = client.call('machine.services.restart', { service: 'klipper' })
  await assert.rejects(restart, { message: /: systemd does not run here, as in most containers$/ })
  await client.files.upload('G28\nG1 X20 F6000\n', { path: 'part.gcode', print: true })
  return await ended
}

const NATIVE = process.arch === 'x64' ? 'amd64' : process.arch

suite('the container image', { skip: absent('buildah') || absent('readelf') }, () => {
  // Not in memory, where the tests have their files: buildah stores several copies of the image.
  const folder = mkdtempSync('/var/tmp/image-')
  after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'image.tar')
  const built = build(file, NATIVE)

  test('two builds are equal', async () => {
    const again = join(folder, 'again.tar')
    assert.equal(await build(again, NATIVE), await built)
    assert.ok(readFileSync(file).equals(readFileSync(again)))
  })

  suite('in a container', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
    const storage = ['--storage-driver=vfs', `--root=${folder}/root`, `--runroot=${folder}/run`]
    const options = { env: { ...process.env, BUILDAH_ISOLATION: 'chroot' }, timeout: 60_000 }
    const buildah = async (...args: string[]) => (await run('buildah', [...storage, ...args], options)).stdout
    const node = (program: string, ...more: string[]) =>
      buildah('run', ...more, CONTAINER, '--', '/usr/bin/node', '-e', program)
    let config: Config

    before(async () => {
      await built
      await buildah('from', '--name', CONTAINER, `oci-archive:${file}`)
      const inspected = JSON.parse(await buildah('inspect', CONTAINER)) as { Docker: { config: Config } }
      config = inspected.Docker.config
    })

    test('it prints an uploaded file, is healthy meanwhile, and stops on SIGTERM', async () => {
      await node(
        `fs.mkdirSync('/data/config'); fs.writeFileSync('/data/config/moonraker.conf', ${JSON.stringify(CONF)})`,
      )
      const log = `/data/logs/${basename(folder)}.log`
      const args = [...config.Entrypoint, '--virtual-printer', '--speed', '1000', '--logfile', log]
      const server = spawn('buildah', [...storage, 'run', CONTAINER, '--', ...args], options)
      const ended = once(server, 'exit')
      const { promise: port, resolve } = Promise.withResolvers<string>()
      let output = ''
      server.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const [, found] = /is up: http:\/\/[^:]+:(\d+)/.exec(output) ?? []
        if (found !== undefined) resolve(found)
      })
      const failed = ended.then(() => assert.fail(output))
      const opened = await Promise.race([port, failed])
      // Outside of the container, since buildah runs one program in it at a time.
      const [, , ...check] = config.Healthcheck.Test.map(word => word.replace('7125', opened))
      try {
        assert.equal(await print(Number(opened)), 'part.gcode completed')
        await run(process.execPath, check)
      } finally {
        process.kill(processWith(log), 'SIGTERM')
      }
      assert.deepEqual(await ended, [0, null], output)
      await assert.rejects(run(process.execPath, check))
    })

    test('it has no shell, runs as a user without rights, knows time zones, and loads koffi', async () => {
      await assert.rejects(buildah('run', CONTAINER, '--', '/bin/sh', '-c', 'true'))
      await node(
        `const koffi = require('/opt/moonraker-ts/node_modules/koffi')
        assert.equal(koffi.load(null).func('int getuid()')(), 1000)
        assert.equal(new Date(0).getHours(), 9)
        assert.throws(() => fs.writeFileSync('/opt/moonraker-ts/dist/server.cjs', ''), { code: 'EACCES' })`,
        '--env=TZ=Asia/Tokyo',
      )
    })

    test('it lists everything in it, with licences', async () => {
      const root = (await buildah('mount', CONTAINER)).trim()
      const read = (path: string) => readFileSync(join(root, path), 'utf8')
      const { components } = JSON.parse(read('opt/moonraker-ts/sbom.cdx.json')) as { components: Component[] }
      const names = components.map(({ name }) => name)
      for (const name of ['ws', 'koffi', 'libc6', 'libstdc++6']) assert.ok(names.includes(name), name)
      assert.equal(config.Labels['org.opencontainers.image.licenses'], 'GPL-3.0-or-later')
      for (const path of [
        'opt/moonraker-ts/LICENSE',
        'opt/moonraker-ts/dist/THIRD_PARTY_LICENSES.txt',
        'usr/share/doc/node/LICENSE',
        'usr/share/doc/koffi/LICENSE',
        'usr/share/doc/libc6/copyright',
      ])
        assert.match(read(path), /copyright/i, path)
    })
  })
})
