// [frontend NAME]: files served to everybody, and nothing but them.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'

const PAGE = { headers: { Accept: 'text/html,*/*' } }

interface Site extends AsyncDisposable {
  readonly rig: Rig
  readonly folder: string
}

/** A front-end in a folder of its own next to the data folder; `{site}` in the text is replaced by its path. */
async function openSite(conf: string, options: Omit<RigOptions, 'conf'> = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'site-'))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<title>front</title>')
  writeFileSync(join(folder, 'assets', 'index-B4VR7BUO.js'), 'let code')
  writeFileSync(join(folder, 'plain.css'), 'a {}')
  const rig = await startRig({ printer: 'none', conf: conf.replaceAll('{site}', folder), ...options })
  return {
    rig,
    folder,
    [Symbol.asyncDispose]: async () => {
      await rig[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}

const AT_TOP = '[frontend mainsail]\npath: {site}'

test('a front-end at the top has the address itself; the dashboard moves aside', async () => {
  await using site = await openSite(AT_TOP)
  const { port } = site.rig
  for (const path of ['/', '/index.html', '/?printer=1']) {
    const { status, body, headers } = await sendRequest(port, path, PAGE)
    assert.deepEqual([status, body, headers['cache-control']], [200, '<title>front</title>', 'no-cache'])
    assert.match(headers['content-type'] ?? '', /^text\/html/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
  assert.match((await sendRequest(port, '/welcome')).body, /moonraker-ts/i)
  assert.equal((await sendRequest(port, '/server/info')).status, 200)
})

test('an address of the front-end gives its page, a file that is missing gives none', async () => {
  await using site = await openSite(AT_TOP)
  const { port } = site.rig
  assert.equal((await sendRequest(port, '/settings/general', PAGE)).body, '<title>front</title>')
  for (const [path, request] of [
    ['/missing.js', PAGE],
    ['/assets/missing-1a2b3c4d.js', {}],
    ['/settings/general', {}],
    ['/server/no-such-thing', PAGE],
    ['/printer/no-such-thing', PAGE],
  ] as const) {
    const reply = await sendRequest(port, path, request)
    assert.equal(reply.status, 404, path)
    assert.equal(reply.json.error.code, 404)
  }
  assert.equal((await sendRequest(port, '/', { verb: 'POST', body: 'x' })).status, 405)
})

test('the browser keeps files that never change, and checks others each time', async () => {
  await using site = await openSite(AT_TOP)
  const { port } = site.rig
  const asset = await sendRequest(port, '/assets/index-B4VR7BUO.js')
  assert.match(asset.headers['cache-control'] ?? '', /immutable/)
  for (const name of ['translations.json', 'some-Translation.json', 'de-transitive.json']) {
    writeFileSync(join(site.folder, 'assets', name), '{}')
    assert.equal((await sendRequest(port, `/assets/${name}`)).headers['cache-control'], 'no-cache', name)
  }
  const plain = await sendRequest(port, '/plain.css')
  assert.equal(plain.headers['cache-control'], 'no-cache')
  const again = await sendRequest(port, '/plain.css', {
    headers: { 'If-None-Match': String(plain.headers.etag) },
  })
  assert.deepEqual([again.status, again.body], [304, ''])
  const part = await sendRequest(port, '/plain.css', { headers: { Range: 'bytes=0-1' } })
  assert.deepEqual([part.status, part.body], [206, 'a '])
})

test('a compressed form next to a file goes to clients that accept it', async () => {
  await using site = await openSite(AT_TOP)
  const { port } = site.rig
  const code = 'let code'.repeat(100)
  writeFileSync(join(site.folder, 'app.js'), code)
  writeFileSync(join(site.folder, 'app.js.gz'), gzipSync(code))
  writeFileSync(join(site.folder, 'app.js.br'), brotliCompressSync(code))
  const fetched = await fetch(`${site.rig.url}/app.js`, { headers: { 'Accept-Encoding': 'gzip, br' } })
  assert.equal(await fetched.text(), code)
  for (const [accepted, sent] of [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['identity', undefined],
    ['', undefined],
  ] as const) {
    const { headers } = await sendRequest(port, '/app.js', { headers: { 'Accept-Encoding': accepted } })
    assert.equal(headers['content-encoding'], sent, accepted)
    assert.match(headers['content-type'] ?? '', /^(text|application)\/javascript/)
    assert.equal(headers.vary, 'Accept-Encoding')
  }
  const headers = { 'Accept-Encoding': 'br' }
  const part = await sendRequest(port, '/app.js', { headers: { ...headers, Range: 'bytes=0-3' } })
  const whole = brotliCompressSync(code)
  assert.deepEqual(
    [part.status, part.headers['content-range'], part.headers['content-encoding']],
    [206, `bytes 0-3/${whole.length}`, 'br'],
  )
  const head = await sendRequest(port, '/app.js', { verb: 'HEAD', headers })
  assert.deepEqual([head.headers['content-length'], head.body], [String(whole.length), ''])
  const { headers: unpacked } = await sendRequest(port, '/app.js')
  assert.notEqual(head.headers.etag, unpacked.etag)
  const known = { ...headers, 'If-None-Match': String(head.headers.etag) }
  for (const verb of ['GET', 'HEAD'])
    assert.equal((await sendRequest(port, '/app.js', { verb, headers: known })).status, 304)
  const origin = { ...headers, Origin: 'http://allowed.test' }
  assert.equal(
    (await sendRequest(port, '/app.js', { headers: origin })).headers.vary,
    'Origin, Accept-Encoding',
  )
})

test('nothing outside the folder is served, by no spelling and no link', async () => {
  await using site = await openSite(AT_TOP)
  const { port, paths } = site.rig
  const secret = join(paths.data, 'secret.txt')
  writeFileSync(secret, 'SECRET')
  symlinkSync(secret, join(site.folder, 'link.txt'))
  symlinkSync(paths.data, join(site.folder, 'data'))
  writeFileSync(join(paths.data, 'config.json'), '{"a": "SECRET"}')
  symlinkSync(join(paths.data, 'config.json'), join(site.folder, 'config.json'))
  writeFileSync(join(site.folder, '.env'), 'SECRET')
  mkdirSync(join(site.folder, '.git'))
  writeFileSync(join(site.folder, '.git', 'config'), 'SECRET')
  const up = `../${paths.data.split('/').at(-1)}/secret.txt`
  for (const path of [
    '/link.txt',
    '/data/secret.txt',
    '/config.json',
    '/.env',
    '/.git/config',
    `/${up}`,
    `/assets/../${up}`,
    `/${encodeURIComponent(up)}`,
    `/${up.replaceAll('.', '%2e')}`,
    `/${up.replaceAll('/', '%5c')}`,
    `/%2f${secret}`,
    `/${secret}`,
    '/index.html%00.txt',
  ]) {
    const reply = await sendRequest(port, path)
    assert.equal(reply.status, 404, path)
    assert.doesNotMatch(reply.body, /SECRET/)
    assert.ok(!reply.body.includes(site.folder))
  }
})

test('a folder that appears later is served, one that turns into the data folder is not', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'later-'))
  const folder = join(parent, 'assets', 'site')
  await using rig = await startRig({ printer: 'none', conf: `[frontend later]\npath: ${folder}` })
  const missing = await sendRequest(rig.port, '/', PAGE)
  assert.deepEqual([missing.status, missing.reason], [404, "The folder of front-end 'later' is not there"])
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'index.html'), 'here')
  assert.equal((await sendRequest(rig.port, '/', PAGE)).body, 'here')
  writeFileSync(join(folder, 'plain-Overview.json'), '{}')
  assert.equal((await sendRequest(rig.port, '/plain-Overview.json')).headers['cache-control'], 'no-cache')
  rmSync(folder, { recursive: true })
  for (const target of [rig.dataPath, rig.paths.config, tmpdir()]) {
    symlinkSync(target, folder)
    for (const path of ['/config/moonraker.conf', '/moonraker.conf', '/']) {
      assert.equal((await sendRequest(rig.port, path, PAGE)).status, 403, `${path} in ${target}`)
    }
    rmSync(folder)
  }
  rmSync(parent, { recursive: true })
})

test('two front-ends, one of them below a prefix', async () => {
  await using site = await openSite(
    '[frontend mainsail]\npath: {site}\n[frontend fluidd]\npath: {site}\nprefix: /fluidd',
  )
  const { port } = site.rig
  const { status, headers } = await sendRequest(port, '/fluidd?a=/1?b')
  assert.deepEqual([status, headers.location], [308, './fluidd/?a=/1?b'])
  for (const path of ['/fluidd/', '/fluidd/console', '/console']) {
    assert.equal((await sendRequest(port, path, PAGE)).body, '<title>front</title>', path)
  }
  assert.equal((await sendRequest(port, '/fluidd/plain.css')).body, 'a {}')
})

test('config.json names this server, whatever the file contains', async () => {
  await using site = await openSite(AT_TOP)
  const { port } = site.rig
  assert.equal((await sendRequest(port, '/config.json')).status, 404)
  const write = (value: unknown) =>
    writeFileSync(join(site.folder, 'config.json'), typeof value === 'string' ? value : JSON.stringify(value))
  write({ defaultMode: 'dark', instancesDB: 'browser', hostname: 'elsewhere', port: 80, instances: [1] })
  assert.deepEqual((await sendRequest(port, '/config.json')).json, {
    defaultMode: 'dark',
    instancesDB: 'moonraker',
    hostname: null,
    port: null,
    path: null,
    instances: [1],
  })
  write({ endpoints: ['http://elsewhere'], blacklist: ['x'], hosted: false })
  assert.deepEqual((await sendRequest(port, '/config.json')).json, {
    endpoints: [`http://127.0.0.1:${port}`],
    blacklist: ['127.0.0.1'],
    hosted: false,
  })
  write('\ufeff{"mark": 1}')
  assert.deepEqual((await sendRequest(port, '/config.json')).json, { mark: 1 })
  for (const bad of ['{', '[]', '5']) {
    write(bad)
    const reply = await sendRequest(port, '/config.json')
    assert.deepEqual(
      [reply.status, reply.json.error.message],
      [500, 'The config.json of the front-end is not a JSON object'],
    )
  }
})

test('config.json contains the route prefix', async () => {
  await using site = await openSite(AT_TOP, { server: 'route_prefix: printer1' })
  const { port } = site.rig
  writeFileSync(join(site.folder, 'config.json'), '{"endpoints": [], "blacklist": []}')
  const endpointsFor = async (headers: Record<string, string>) =>
    (await sendRequest(port, '/printer1/config.json', { headers })).json.endpoints
  const Host = 'pi.local:7125'
  assert.deepEqual(await endpointsFor({ Host }), ['http://pi.local:7125/printer1'])
  // Only the address of the page shows a proxy that uses TLS.
  assert.deepEqual(await endpointsFor({ Host, Referer: 'https://pi.local:7125/x' }), [
    'https://pi.local:7125/printer1',
  ])
  assert.deepEqual(await endpointsFor({ Host, Referer: 'https://evil.test/' }), [
    'http://pi.local:7125/printer1',
  ])
  assert.deepEqual(await endpointsFor({ Host: 'a"<script>' }), ['http://localhost/printer1'])
  writeFileSync(join(site.folder, 'config.json'), '{"instancesDB": "browser", "path": "/old"}')
  const mainsail = async (headers: Record<string, string>) =>
    (await sendRequest(port, '/printer1/config.json', { headers })).json
  const instance = { hostname: 'pi.local', port: 7125, path: '/printer1', name: 'printer1' }
  const own = { instancesDB: 'json', hostname: null, port: null, path: null }
  assert.deepEqual(await mainsail({ Host }), { ...own, instances: [instance] })
  const https = await mainsail({ Host: 'pi.local', Referer: 'https://pi.local/printer1/' })
  assert.deepEqual(https.instances, [{ ...instance, port: 443 }])
  const bare = await sendRequest(port, '/printer1?x=1', PAGE)
  assert.deepEqual([bare.status, bare.headers.location], [308, './printer1/?x=1'])
  assert.equal((await sendRequest(port, '/printer1/', PAGE)).body, '<title>front</title>')
  assert.equal((await sendRequest(port, '/printer1/anything', PAGE)).body, '<title>front</title>')
  assert.equal((await sendRequest(port, '/anything', PAGE)).status, 404)
})

test('the page loads before anyone has logged in; the API behind it does not answer', async () => {
  await using site = await openSite(AT_TOP, { authorization: 'force_logins: True' })
  const { port } = site.rig
  assert.equal((await sendRequest(port, '/')).status, 200)
  assert.equal((await sendRequest(port, '/printer/info')).status, 401)
})

test('sections that do not fit are left out, with the reason', async () => {
  const sections = [
    ['inside', 'path: {data}/site', /must be outside of the data folder/],
    ['around', `path: ${tmpdir()}`, /must be outside of the data folder/],
    ['taken', 'path: {site}\nprefix: /server', /belongs to the server itself/],
    ['deeper', 'path: {site}\nprefix: /printer/x', /belongs to the server itself/],
    ['odd', 'path: {site}\nprefix: /../x', /is no path/],
    ['twice', 'path: {site}\nprefix: /good/', /is used twice/],
    [
      'camera',
      'path: {site}\nprefix: /c1\nwebcams:\n  /webcam/ = file:///etc/passwd',
      /not an address of http/,
    ],
    [
      'stream',
      'path: {site}\nprefix: /c3\nwebcams:\n  /webcam/ = rtsp://me:secret@x/',
      /webcam\/' is not an address of http/,
    ],
    ['user', 'path: {site}\nprefix: /c2\nwebcams:\n  /webcam/ = http://me:secret@x/', /without user/],
    ['none', 'prefix: /none', /needs the option "path"/],
  ] as const
  const conf = sections.map(([name, text]) => `[frontend ${name}]\n${text}`).join('\n')
  await using site = await openSite(`[frontend good]\npath: {site}\nprefix: /good\n${conf}`)
  const { port, server } = site.rig
  assert.equal((await sendRequest(port, '/good/')).status, 200)
  const warnings = server.warnings.list()
  for (const [name, , reason] of sections) {
    const found = warnings.find(text => text.includes(`[frontend ${name}]`))
    assert.match(found ?? 'no warning', reason, name)
    assert.doesNotMatch(found ?? '', /secret/)
  }
})
