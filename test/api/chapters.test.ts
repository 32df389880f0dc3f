// The chapters of the contract against a running server: it serves all of them, and a chapter of another component too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Chapter } from '../../src/api/chapter.ts'
import { post } from '../../src/api/endpoint.ts'
import { fleet } from '../../src/api/fleet.ts'
import { api, chapters } from '../../src/api/index.ts'
import { workshop } from '../../src/api/workshop.ts'
import { connect } from '../../src/client/index.ts'
import { component } from '../../src/component/component.ts'
import { keyNames, list, string } from '../../src/schema/index.ts'
import { chapterOf } from '../support/chapter.ts'
import { everySection } from '../support/every-section.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'

test('the server serves every method but those of a hub and of a workshop', async () => {
  await using rig = await startRig({ printer: 'none', debug: true, conf: everySection })
  using client = await connect({ url: rig.socketPath })
  const { methods } = (await client.call('rpc.discover')) as { methods: readonly { readonly name: string }[] }
  const served = new Set(methods.map(({ name }) => name))
  assert.deepEqual(
    Object.keys(api).filter(
      name => !served.has(name) && !(name in fleet.methods) && !(name in workshop.methods),
    ),
    [],
  )
})

test('every chapter has its own title, and a name belongs to one chapter', () => {
  const all: readonly Chapter[] = chapters
  const titles = all.map(({ title }) => title)
  assert.equal(new Set(titles).size, titles.length)
  for (const part of ['methods', 'notifications', 'events', 'raw'] as const) {
    const names = all.flatMap(chapter => Object.keys(chapter[part]))
    assert.equal(new Set(names).size, names.length, part)
  }
})

/** Switches that are named by keys, as power devices are. */
const switches = chapterOf({
  'switches.on': post('/switches/on', {
    summary: 'Turn switches on',
    params: { names: keyNames().describe('Each key is a switch') },
    result: list(string()),
  }),
})

const switchComponent = component({
  section: 'switches',
  presence: 'always',
  options: {},
  create({ core, scope }) {
    scope.use(core.registry.serve(switches, { 'switches.on': ({ names }) => names }))
    return {}
  },
})

test('keys are arguments in the query string, in JSON, and over every transport', async () => {
  await using rig = await startRig({ printer: 'none', components: [switchComponent] })
  const body = (type: string, text: string) => ({
    verb: 'POST',
    headers: { 'Content-Type': type },
    body: text,
  })
  const answers = [
    await sendRequest(rig.port, '/switches/on?light&fan', { verb: 'POST' }),
    await sendRequest(rig.port, '/switches/on?light', body('application/json', '{"fan":null}')),
    await sendRequest(rig.port, '/switches/on', body('application/x-www-form-urlencoded', 'light=&fan=')),
  ]
  for (const { json } of answers) assert.deepEqual(json.result, ['light', 'fan'])
  for (const url of [rig.url, rig.url.replace('http', 'ws'), rig.socketPath]) {
    using client = await connect({ url })
    assert.deepEqual(await client.request('switches.on', { light: null, fan: null }), ['light', 'fan'])
    await assert.rejects(client.request('switches.on'), { code: 400, message: 'No arguments provided' })
  }
})

test('a method of another component is under the title of its chapter', async () => {
  await using rig = await startRig({ printer: 'none', components: [switchComponent] })
  const { json } = await sendRequest(rig.port, '/openapi.json')
  assert.deepEqual(json.paths['/switches/on'].post.tags, [switches.title])
  assert.deepEqual(
    json.tags.filter(({ name }: { name: string }) => name === switches.title || name === 'Klipper'),
    [{ name: switches.title, description: switches.about }],
  )
})
