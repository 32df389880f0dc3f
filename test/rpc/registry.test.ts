import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CallOf, get, getOrPost, post, routes, rpcOnly } from '../../src/api/endpoint.ts'
import { ApiError } from '../../src/core/errors.ts'
import { INTERNAL_CALLER } from '../../src/rpc/caller.ts'
import { type Found, Registry } from '../../src/rpc/registry.ts'
import { keyNames, list, string } from '../../src/schema/index.ts'
import { chapterOf, serveOne } from '../support/chapter.ts'

const text = { summary: 'Text', result: string() }

const raw = (path: string) => ({ verbs: ['GET'], path, handle: () => {} })

function rawPath(found: Found | undefined): [string, string] | undefined {
  return found?.kind === 'raw' ? [found.route.path, found.rest] : undefined
}

function verbs(found: Found | undefined): string[] | undefined {
  return found?.kind === 'methods' ? [...found.byVerb.keys()] : undefined
}

test('a path and a verb select a method', () => {
  const registry = new Registry()
  registry.serve(
    chapterOf({ 'a.get': get('/a', text), 'a.post': post('/a', text), 'b.both': getOrPost('/b', text) }),
    { 'a.get': () => '', 'a.post': () => '', 'b.both': () => '' },
  )
  assert.deepEqual(verbs(registry.find('/a')), ['GET', 'POST'])
  assert.deepEqual(verbs(registry.find('/b')), ['GET', 'POST'])
  assert.equal(registry.find('/c'), undefined)
  assert.equal(registry.find(''), undefined)
})

test('the longest prefix wins, and exact paths before prefixes', () => {
  const registry = new Registry()
  for (const path of ['/files/', '/files/deep/er/', '/files/list', '/']) registry.serveRaw(raw(path))
  serveOne(registry, 'files.roots', get('/files/roots', text), () => '')
  assert.deepEqual(rawPath(registry.find('/files/a/b.txt')), ['/files/', 'a/b.txt'])
  assert.deepEqual(rawPath(registry.find('/files/deep/x')), ['/files/', 'deep/x'])
  assert.deepEqual(rawPath(registry.find('/files/deep/er/x')), ['/files/deep/er/', 'x'])
  assert.deepEqual(rawPath(registry.find('/files/list')), ['/files/list', ''])
  assert.deepEqual(rawPath(registry.find('/files/')), ['/files/', ''])
  assert.deepEqual(verbs(registry.find('/files/roots')), ['GET'])
  assert.deepEqual(rawPath(registry.find('/')), ['/', ''])
  assert.equal(registry.find('/other'), undefined, 'the root page serves nothing below it')
})

test('a method or path is not served twice', () => {
  const registry = new Registry()
  serveOne(registry, 'a', get('/a', text), () => '')
  registry.serveRaw(raw('/raw'))
  assert.throws(() => serveOne(registry, 'a', rpcOnly(text), () => ''), /a is already served/)
  assert.throws(() => serveOne(registry, 'b', get('/a', text), () => ''), /GET \/a is already served/)
  assert.throws(() => registry.serveRaw(raw('/raw')), /\/raw is already served/)
})

test('a removed method is not found, and can be served again', () => {
  const registry = new Registry()
  const chapter = chapterOf({ 'a.get': get('/a', text), 'a.post': post('/a', text) })
  const handlers = { 'a.get': () => '', 'a.post': () => '' }
  const served = registry.serve(chapter, handlers)
  const page = registry.serveRaw(raw('/page/'))
  served.remove()
  page.remove()
  assert.equal(registry.has('a.get'), false)
  assert.equal(registry.find('/a'), undefined)
  assert.equal(registry.find('/page/x'), undefined)
  assert.throws(() => registry.call('a.get', {}, INTERNAL_CALLER), { status: 404 })
  registry.serve(chapter, handlers)
  assert.deepEqual(
    [...registry.methods()].map(({ name }) => name),
    ['a.get', 'a.post'],
  )
})

test('removing one verb of a path leaves the other', () => {
  const registry = new Registry()
  const first = serveOne(registry, 'a.get', get('/a', text), () => '')
  serveOne(registry, 'a.post', post('/a', text), () => '')
  first.remove()
  assert.deepEqual(verbs(registry.find('/a')), ['POST'])
})

test('a call returns a value where the handler does, and a promise where the handler does', async () => {
  const registry = new Registry()
  serveOne(registry, 'now', rpcOnly({ ...text, transports: ['internal'] }), () => 'now')
  serveOne(registry, 'later', rpcOnly({ ...text, transports: ['internal'] }), async () => 'later')
  assert.equal(registry.call('now', {}, INTERNAL_CALLER), 'now')
  assert.equal(await (registry.call('later', {}, INTERNAL_CALLER) as Promise<string>), 'later')
})

test('the observer receives every result', async () => {
  const seen: unknown[] = []
  const registry = new Registry({ observe: ({ name }, result) => void seen.push([name, result]) })
  serveOne(registry, 'now', get('/now', text), () => 'now')
  serveOne(registry, 'later', get('/later', text), async () => 'later')
  registry.call('now', {}, INTERNAL_CALLER)
  await registry.call('later', {}, INTERNAL_CALLER)
  assert.deepEqual(seen, [
    ['now', 'now'],
    ['later', 'later'],
  ])
})

test('passed-through arguments arrive unchanged', () => {
  const registry = new Registry()
  const endpoint = routes([], { ...text, params: { a: string() }, passThrough: true })
  serveOne(registry, 'loose', endpoint, (params: unknown) => JSON.stringify(params))
  assert.equal(registry.call('loose', { a: 1, b: null }, INTERNAL_CALLER), '{"a":1,"b":null}')
  assert.equal(registry.call('loose', undefined, INTERNAL_CALLER), '{}')
})

test("errors for callers stay as they are, others become the server's own", () => {
  const reported: string[] = []
  const registry = new Registry({ onError: method => reported.push(method) })
  const meant = new ApiError(418, 'a teapot')
  assert.equal(registry.failure(meant, 'x'), meant)
  assert.deepEqual(reported, [])
  const { status, message } = registry.failure('thrown text', 'y')
  assert.deepEqual([status, message, reported], [500, 'Internal Server Error', ['y']])
  for (const code of ['EMFILE', 'ENFILE']) {
    assert.equal(registry.failure(Object.assign(new Error(`${code}: open`), { code }), 'z').status, 503)
  }
})

test('arguments that are taken by their keys arrive as a list of names', () => {
  const registry = new Registry()
  const chapter = chapterOf({
    'devices.on': post('/devices/on', {
      summary: 'On',
      params: { devices: keyNames() },
      result: list(string()),
    }),
  })
  registry.serve(chapter, { 'devices.on': ({ devices }) => devices })
  const call: CallOf<(typeof chapter)['methods']['devices.on']> = { light: null, devices: null }
  assert.deepEqual(registry.call('devices.on', call, INTERNAL_CALLER), ['light', 'devices'])
  for (const none of [{}, undefined]) {
    assert.throws(() => registry.call('devices.on', none, INTERNAL_CALLER), {
      status: 400,
      message: 'No arguments provided',
    })
  }
})
