// The server as it is installed: one bundle, and beside it what is loaded on first use.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ZipFile } from 'yazl'
import { ask, postJson } from './support/raw-http.ts'

const BUILD = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))
const FOLDER = mkdtempSync(join(tmpdir(), 'bundle-'))
const OUTPUT = join(FOLDER, 'dist')
const DATA = join(FOLDER, 'data')
const CONF = `[server]
host: 127.0.0.1
port: 0
ssl_port: 0
[authorization]
trusted_clients: 127.0.0.1
[machine]
provider: none
[announcements]
enable_moonlight: False
`

const built = promisify(execFile)(process.execPath, [BUILD, OUTPUT])

after(() => rmSync(FOLDER, { recursive: true, force: true }))

async function upload(port: number, name: string, body: Buffer): Promise<number> {
  const form = new FormData()
  form.set('file', new File([new Uint8Array(body)], name))
  const reply = await fetch(`http://127.0.0.1:${port}/server/files/upload`, { method: 'POST', body: form })
  return reply.status
}

async function packageOf(model: string): Promise<Buffer> {
  const zip = new ZipFile()
  zip.addBuffer(Buffer.from(model), '3D/model.gcode')
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Calls back with the port of a running bundle beside its virtual printer, or as `args` and `env` say. */
async function withServer(
  work: (port: number) => Promise<void>,
  args: readonly string[] = ['--virtual-printer'],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(process.execPath, [join(OUTPUT, 'moonraker.cjs'), ...args, '-d', DATA], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const exited = once(child, 'exit')
  try {
    let text = ''
    for await (const part of child.stdout) {
      text += part
      const port = /is up: http:\/\/[^:]+:(\d+)/.exec(text)?.[1]
      if (port === undefined) continue
      await work(Number(port))
      return
    }
    assert.fail(`the server ended: ${text}`)
  } finally {
    child.kill()
    await exited
  }
}

test('the bundle is plain ASCII: with one other character V8 keeps it at two bytes for each', async () => {
  await built
  const bundle = readFileSync(join(OUTPUT, 'server.cjs'))
  assert.equal(
    bundle.findIndex(byte => byte > 127),
    -1,
    'esbuild cannot escape what stands in a regular expression or in a tagged template',
  )
})

test('everything that is loaded on first use is there and works', async () => {
  await built
  mkdirSync(join(DATA, 'config'), { recursive: true })
  writeFileSync(join(DATA, 'config', 'moonraker.conf'), CONF)
  await withServer(async port => {
    assert.equal(await upload(port, 'plain.gcode', Buffer.from('G28')), 201)
    assert.equal(await upload(port, 'part.ufp', await packageOf('G28 X')), 201)
    assert.equal((await ask(port, '/server/files/gcodes/part.gcode')).body, 'G28 X')
    const archive = await postJson(port, '/server/files/zip', {
      items: ['gcodes/plain.gcode'],
      dest: 'config/a.zip',
    })
    assert.equal(archive.status, 200, archive.body)
    const page = await fetch(`http://127.0.0.1:${port}/docs/http`)
    assert.match(await page.text(), /swagger-ui-bundle\.js/)
    const part = await fetch(`http://127.0.0.1:${port}/docs/swagger-ui-bundle.js`)
    assert.ok((await part.text()).length > 500_000)
    const { json } = await ask(port, '/server/info')
    assert.deepEqual([json.result.klippy_connected, json.result.failed_components], [true, []])
  })
  const require = createRequire(import.meta.url)
  const libraries = readdirSync(join(OUTPUT, 'lib'))
  assert.ok(libraries.length > 0)
  for (const name of libraries) {
    const library = require(join(OUTPUT, 'lib', name)) as object
    assert.ok(typeof library === 'function' || Object.keys(library).length > 0, name)
  }
})

test('nothing of it is loaded by a server that only looks for the services of its machine', async () => {
  const [hook, loaded] = [join(FOLDER, 'hook.cjs'), join(FOLDER, 'loaded.json')]
  writeFileSync(
    hook,
    `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(loaded)}, JSON.stringify(Object.keys(require.cache))))`,
  )
  writeFileSync(join(DATA, 'config', 'moonraker.conf'), CONF.replace('provider: none', ''))
  const askOnce = async (port: number) => {
    assert.equal((await ask(port, '/machine/system_info')).json.result.system_info.provider, 'none')
  }
  await withServer(askOnce, [], {
    NODE_OPTIONS: `--require ${hook}`,
    DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent',
    PATH: FOLDER,
  })
  const files = JSON.parse(readFileSync(loaded, 'utf8')) as string[]
  assert.deepEqual(
    files.filter(file => file !== hook).map(file => basename(file)),
    ['moonraker.cjs', 'server.cjs'],
  )
})
