// The client of the release API: conditional requests, the quota, and answers that cannot be used.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { ReleaseApi } from '../../../../src/components/update-manager/releases/release-api.ts'
import type { HttpRequest } from '../../../../src/core/http-client.ts'
import { UpdaterBench } from '../updater-bench.ts'

async function start() {
  const bench = await UpdaterBench.start()
  bench.releases.repos.set('dummy/app', [{ tag: 'v1.1.0', assets: { 'app.zip': Buffer.from('zip') } }])
  return bench
}

const newest = (api: ReleaseApi) => api.newest('dummy/app', 'stable', new AbortController().signal)

test('the second request is conditional, after a restart too', async () => {
  await using bench = await start()
  const first = await newest(bench.api)
  assert.equal(first?.tag_name, 'v1.1.0')
  const api = bench.newApi()
  assert.deepEqual(api.rateLimit, { limit: null, remaining: null, reset: null })
  assert.deepEqual(await newest(api), first)
  assert.deepEqual(
    bench.releases.requests.map(({ status }) => status),
    [200, 304],
  )
  assert.deepEqual(api.rateLimit, { limit: 60, remaining: 59, reset: 4_000_000_000 })
  bench.releases.repos.set('dummy/app', [{ tag: 'v1.2.0', assets: {} }])
  assert.equal((await newest(api))?.tag_name, 'v1.2.0')
})

test('answers are kept for a bounded number of repositories', async () => {
  await using bench = await start()
  bench.releases.quota.remaining = 200
  for (let index = 0; index < 110; index += 1) {
    bench.releases.repos.set(`dummy/app${index}`, [{ tag: `v${index}.0`, assets: {} }])
    await bench.api.newest(`dummy/app${index}`, 'stable', new AbortController().signal)
  }
  const stored = bench.core.storage.namespaces.find('moonraker', 'release_api') as object
  const names = Object.keys(stored).map(url => /app\d+/.exec(url)?.[0])
  assert.equal(names.length, 100)
  assert.ok(!names.includes('app9') && names.includes('app10') && names.includes('app109'))
})

test('nothing is sent while the quota is used up', async () => {
  await using bench = await start()
  bench.releases.quota.remaining = 1
  await newest(bench.api)
  bench.releases.taken()
  await assert.rejects(newest(bench.api), {
    name: 'RateLimitReached',
    message: new RegExp(
      `^GitHub Rate Limit Reached\nRequest: ${bench.releases.url}repos/dummy/app/releases/latest\nLimit Reset Time: \\w{3} \\w{3} [ \\d]\\d [\\d:]{8} 2096$`,
    ),
  })
  assert.deepEqual(bench.releases.taken(), [])
  assert.equal(bench.api.rateLimit.remaining, 0)
})

test('no request is sent in the pause that an answer demands', async () => {
  await using bench = await start()
  bench.releases.api = (_, response) => void response.writeHead(429, { 'Retry-After': '600' }).end()
  await assert.rejects(newest(bench.api), { message: 'HTTP 429: Too Many Requests' })
  await assert.rejects(newest(bench.api), { name: 'RateLimitReached' })
  assert.equal(bench.releases.taken().length, 1)
})

test('a failure of the server is repeated, an answer that is final is not', async () => {
  await using bench = await start()
  let failures = 2
  bench.releases.api = (_, response) => {
    failures -= 1
    if (failures === 0) bench.releases.api = null
    response.writeHead(500).end()
  }
  assert.equal((await newest(bench.api))?.tag_name, 'v1.1.0')
  assert.equal(bench.releases.taken().length, 3)
  bench.releases.api = (_, response) => void response.writeHead(500).end()
  await assert.rejects(newest(bench.api), { message: 'HTTP 500: Internal Server Error' })
  assert.equal(bench.releases.taken().length, 3)
  bench.releases.api = (_, response) => void response.writeHead(404).end()
  await assert.rejects(newest(bench.api), { name: 'ReleaseApiError', message: 'HTTP 404: Not Found' })
  assert.equal(bench.releases.taken().length, 1)
})

test('a connection that breaks is an error in the words of Moonraker', async () => {
  await using bench = await start()
  bench.releases.api = request => void request.socket.destroy()
  await assert.rejects(newest(bench.api), { name: 'ReleaseApiError', message: 'Stream closed' })
  assert.equal(bench.releases.taken().length, 3)
})

test('a server that does not answer is a timeout', async () => {
  await using bench = await start()
  bench.releases.api = () => undefined
  const { http } = bench.core.host
  const impatient = { send: (request: HttpRequest) => http.send({ ...request, timeoutSeconds: 0.05 }) }
  await assert.rejects(newest(bench.newApi(null, impatient)), {
    name: 'ReleaseApiError',
    message: 'Timeout during request',
  })
  assert.equal(bench.releases.taken().length, 3)
})

const unusable: readonly [title: string, body: string, message: RegExp][] = [
  ['no JSON', '{not json', /cannot be read/],
  ['another kind of JSON', '[1, 2]', /cannot be read/],
  ['a tag of 300 characters', `{"tag_name":"${'1'.repeat(300)}"}`, /tag_name: at most 255 characters/],
  ['a release without a tag', '{"name":"v1"}', /cannot be read: release\.tag_name/],
  [
    'an asset with a wrong size',
    '{"tag_name":"v1","assets":[{"name":"a","browser_download_url":"u","size":-1}]}',
    /size/,
  ],
  ['more than four megabytes', `{"body":"${'x'.repeat(4 * 1024 * 1024)}"}`, /longer than/],
]
for (const [title, body, message] of unusable) {
  test(`an answer with ${title} is an error`, async () => {
    await using bench = await start()
    bench.releases.api = (_, response) => void response.end(body)
    await assert.rejects(newest(bench.api), { name: 'ReleaseApiError', message })
  })
}

test('the token is sent to the API, and not to another server', async () => {
  await using bench = await start()
  const seen: unknown[] = []
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end('{"tag_name":"v3"}')
  })
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  bench.releases.api = (request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(302, { Location: `http://127.0.0.1:${port}/` }).end()
  }
  try {
    assert.equal((await newest(bench.newApi('secret')))?.tag_name, 'v3')
    assert.deepEqual(seen, ['Bearer secret', undefined])
  } finally {
    other.closeAllConnections()
    other.close()
  }
})

test('drafts are not offered', async () => {
  await using bench = await start()
  bench.releases.repos.set('dummy/app', [
    { tag: 'v3.0.0', draft: true, assets: {} },
    { tag: 'v2.0.0', assets: {} },
  ])
  const release = await bench.api.newest('dummy/app', 'beta', new AbortController().signal)
  assert.equal(release?.tag_name, 'v2.0.0')
})

test('without versions the first release is the newest', async () => {
  await using bench = await start()
  bench.releases.repos.set('dummy/app', [
    { tag: 'nightly-b', assets: {} },
    { tag: 'nightly-a', assets: {} },
  ])
  const release = await bench.api.newest('dummy/app', 'beta', new AbortController().signal)
  assert.equal(release?.tag_name, 'nightly-b')
})
