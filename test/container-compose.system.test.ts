// The example of containers in packaging/container: its parts fit each other, the image and the server.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { containerConfig, DATA } from '../scripts/image/container-config.ts'
import { killProcess } from './support/kill-process.ts'
import { sendRequest } from './support/raw-http.ts'
import { startServerProcess } from './support/server-process.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

const COMPOSE = parse(read('packaging/container/compose.yaml')) as {
  readonly services: Readonly<Record<'klipper' | 'moonraker' | 'mainsail' | 'camera', Service>>
  readonly volumes: Readonly<Record<string, null>>
}
const CONF = read('packaging/container/moonraker.conf')
const { klipper, moonraker, mainsail, camera } = COMPOSE.services

/** Where a service has what others call `source`. */
function mounted({ volumes = [] }: Service, source: string): string | undefined {
  return volumes.map(volume => volume.split(':')).find(([from]) => from === source)?.[1]
}

test('the example runs the image as it is, and its containers have the same paths', () => {
  const manifest = JSON.parse(read('package.json'))
  const config = containerConfig(manifest)
  assert.match(moonraker.image, new RegExp(`^${manifest.name}:\\$\\{VERSION:\\?`))
  assert.deepEqual(moonraker.healthcheck?.test, config.Healthcheck.Test)
  assert.ok(moonraker.ports?.every(port => `${port.split(':')[1]}/tcp` in config.ExposedPorts))
  for (const service of [klipper, moonraker]) assert.equal(mounted(service, './printer_data'), DATA)
  assert.deepEqual(Object.keys(COMPOSE.volumes), ['mainsail'])
})

test('its moonraker.conf leads to Klipper, to Mainsail and to the camera', () => {
  const [, socket] = /^klippy_uds_address: (.+)$/m.exec(CONF) ?? []
  assert.equal(klipper.command?.[klipper.command.indexOf('-a') + 1], socket?.replace('{data_path}', DATA))
  const [, folder] = /^path: (.+)$/m.exec(CONF) ?? []
  assert.equal(mounted(moonraker, 'mainsail'), folder)
  assert.equal(mainsail.entrypoint?.at(-1), `${mounted(mainsail, 'mainsail')}/`)
  const [, streamer] = /= (http:.+)$/m.exec(CONF) ?? []
  const [port] = camera.command?.flatMap(argument => /^--port=(\d+)$/.exec(argument)?.[1] ?? []) ?? []
  assert.equal(streamer, `http://camera:${port}`)
  const guide = read('docs/install.md')
  for (const path of [
    'packaging/container/compose.yaml',
    'packaging/container/moonraker.conf',
    `${DATA}/gcodes`,
  ])
    assert.ok(guide.includes(path), path)
})

test('the server starts with it without a warning, and serves Mainsail', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'compose-'))
  const data = join(folder, 'data')
  mkdirSync(join(data, 'config'), { recursive: true })
  mkdirSync(join(folder, 'mainsail'))
  writeFileSync(join(folder, 'mainsail', 'index.html'), '<title>Mainsail</title>')
  const conf = CONF.replace('host: 0.0.0.0', 'host: 127.0.0.1')
    .replace('port: 7125', 'port: 0')
    .replace(': /mainsail', `: ${folder}/mainsail`)
  writeFileSync(join(data, 'config', 'moonraker.conf'), `${conf}\n[announcements]\nenable_moonlight: False\n`)
  const { child, port } = await startServerProcess(data)
  try {
    const { result } = JSON.parse((await sendRequest(port, '/server/info')).body) as { result: object }
    assert.deepEqual(result, { ...result, warnings: [], failed_components: [] })
    assert.match((await sendRequest(port, '/')).body, /Mainsail/)
  } finally {
    await killProcess(child)
    rmSync(folder, { recursive: true, force: true })
  }
})
