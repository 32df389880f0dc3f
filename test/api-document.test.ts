// The API document against a running server: which of its sections are served, and that those we claim are complete.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { everySection } from './support/every-section.ts'
import { type Rig, startRig } from './support/rig.ts'

/** A section of the document. Verbs are before paths; `http-jsonrpc` is POST /server/jsonrpc. */
interface Section {
  readonly endpoints: readonly {
    readonly title: string
    readonly http: readonly string[]
    readonly rpc: readonly string[]
    readonly transports: readonly string[]
  }[]
  readonly notifications: readonly string[]
}

const document: Readonly<Record<string, Section>> = JSON.parse(
  readFileSync(new URL('fixtures/api-document.json', import.meta.url), 'utf8'),
)

/** The sections that are served as a whole. */
const COMPLETE = [
  'Server Administration',
  'Printer Administration',
  'Printer Status',
  'GCode APIs',
  'Print Management',
  'Machine Requests',
  'File Operations',
  'Authorization',
  'Database APIs',
  'Job Queue APIs',
  'Announcement APIs',
  'OctoPrint API emulation',
  'History APIs',
  'Webcam APIs',
  'Power APIs',
  'Extension APIs',
  'Spoolman APIs',
  'WLED APIs',
  'Sensor APIs',
  'Update Manager APIs',
  'Button Events',
]

/** What the server declares: `METHOD over TRANSPORT`, `VERB /path`, and notifications. */
async function servedBy({ url }: Rig): Promise<Set<string>> {
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'rpc.discover', id: 1 })
  const headers = { 'Content-Type': 'application/json' }
  const reply = await fetch(`${url}/server/jsonrpc`, { method: 'POST', headers, body })
  const { result } = (await reply.json()) as {
    result: {
      methods: readonly { readonly name: string; readonly 'x-transports': readonly string[] }[]
      'x-notifications': readonly { readonly name: string }[]
    }
  }
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  }
  return new Set([
    ...result.methods.flatMap(method =>
      method['x-transports'].map(transport => `${method.name} over ${transport}`),
    ),
    ...Object.entries(paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map(verb => `${verb.toUpperCase()} ${path}`),
    ),
    ...result['x-notifications'].map(({ name }) => name),
  ])
}

/** All that the parts of a section want, by their titles. MQTT works only where [mqtt] is configured. */
function wantedBy({ endpoints, notifications }: Section): [string, string[]][] {
  const calls = endpoints.map(({ title, http, rpc, transports }): [string, string[]] => [
    title,
    [
      ...http,
      ...rpc.flatMap(method =>
        transports
          .filter(transport => transport !== 'mqtt')
          .map(transport => `${method} over ${transport.replace('http-jsonrpc', 'http')}`),
      ),
    ],
  ])
  return [...calls, ...notifications.map((name): [string, string[]] => [name, [name]])]
}

test('the sections of the API document', async t => {
  await using rig = await startRig({ conf: everySection, debug: true })
  const served = await servedBy(rig)
  for (const [title, section] of Object.entries(document)) {
    const wanted = wantedBy(section)
    const missing = wanted.filter(([, items]) => items.some(item => !served.has(item)))
    const names = missing.length === 0 ? '' : `; missing: ${missing.map(([part]) => part).join(', ')}`
    t.diagnostic(`${title}: ${wanted.length - missing.length} of ${wanted.length}${names}`)
    if (!COMPLETE.includes(title)) continue
    await t.test(title, () => {
      const items = missing.flatMap(([, each]) => each.filter(item => !served.has(item)))
      assert.deepEqual(items, [])
    })
  }
})

test('every section that is claimed complete is one of the document', () => {
  assert.deepEqual(
    COMPLETE.filter(title => !(title in document)),
    [],
  )
})
