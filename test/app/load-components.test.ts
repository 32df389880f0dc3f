// Which components are loaded for a configuration.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadAll, loadComponents } from '../../src/app/load-components.ts'
import { component, type LazyComponent } from '../../src/component/component.ts'
import { service } from '../../src/component/service.ts'
import { componentTypes } from '../../src/components/index.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'

const lampService = service<object>('lamp')

const lamp = component({
  section: 'lamp',
  presence: 'configured',
  options: {},
  provides: { lamp: lampService },
  create: () => ({ lamp: {} }),
})
const desk = component({
  section: 'desk',
  presence: 'always',
  options: {},
  needs: { lamp: lampService },
  create: () => ({}),
})
const chair = component({ section: 'chair', presence: 'always', options: {}, create: () => ({}) })

/** A lazy lamp; `loads` counts. */
function lazyLamp(): { source: LazyComponent; loads: () => number } {
  let loads = 0
  const load = () => {
    loads += 1
    return Promise.resolve({ default: lamp })
  }
  return { source: { section: 'lamp', load }, loads: () => loads }
}

test('a component is loaded if its section is configured, in its place in the list', async () => {
  const { source, loads } = lazyLamp()
  const without = await loadComponents([source, chair], () => false, new Map())
  assert.deepEqual([without, loads()], [[chair], 0])
  const loaded = await loadComponents([source, chair], section => section === 'lamp', new Map())
  assert.deepEqual([loaded, loads()], [[lamp, chair], 1])
})

test('a required component is loaded without its section, for the warning', async () => {
  const { source } = lazyLamp()
  assert.deepEqual(await loadComponents([source, desk], () => false, new Map()), [lamp, desk])
  assert.deepEqual(await loadComponents([source, desk], () => false, new Map([['lamp', {}]])), [desk])
  await using rig = await startRig({ printer: 'none', conf: '[sensor]' })
  const { json } = await sendRequest(rig.port, '/server/info')
  assert.match(
    json.result.warnings.join(),
    /\[sensor\] does not work: it needs the component \[mqtt\], which is not/,
  )
})

test('a component that cannot be loaded is a failed component', async () => {
  const source = { section: 'lamp', load: () => Promise.reject(new Error('file not found')) }
  const [type] = await loadAll([source])
  assert.equal(type?.section, 'lamp')
  assert.throws(() => type?.build({} as never), /file not found/)
})

test('each lazy component is listed with its own section, and needs it', async () => {
  const lazy = componentTypes.filter(source => 'load' in source)
  for (const [index, { section, presence }] of (await loadAll(lazy)).entries()) {
    assert.deepEqual([section, presence], [lazy[index]?.section, 'configured'])
  }
})
