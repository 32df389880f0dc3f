import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ComponentSet } from '../../src/app/component-set.ts'
import { type ComponentType, type Core, component } from '../../src/component/component.ts'
import { optional, service } from '../../src/component/service.ts'
import { Configuration } from '../../src/config/index.ts'
import { readSources } from '../../src/config/sources.ts'
import { StartError } from '../../src/core/errors.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { testLog } from '../support/test-log.ts'

interface Lamp {
  readonly color: string
}

const lampService = service<Lamp>('lamp')

const folder = mkdtempSync(join(tmpdir(), 'components-'))
after(() => rmSync(folder, { recursive: true }))

/** A set over a configuration; `events` is for what its components do, in order. */
function setOf(types: readonly ComponentType[], conf = '') {
  const file = join(folder, 'moonraker.conf')
  writeFileSync(file, conf)
  const lines: string[] = []
  const log = testLog({ console: line => lines.push(line) })
  const warnings = new Warnings()
  const core = { log, warnings } as Partial<Core> as Core
  const set = new ComponentSet({ core, config: new Configuration(readSources(file), folder), types })
  return { set, warnings, lines }
}

/** How a lamp behaves. */
interface Trouble {
  readonly build?: boolean
  readonly start?: boolean
  readonly stop?: boolean
  readonly presence?: 'always' | 'configured'
  readonly essential?: boolean
}

function lampType(events: string[], trouble: Trouble = {}): ComponentType {
  return component({
    section: 'lamp',
    presence: trouble.presence ?? 'always',
    essential: trouble.essential ?? false,
    options: {},
    provides: { lamp: lampService },
    create({ scope }) {
      if (trouble.build) throw new Error('no bulb')
      scope.defer(() => events.push('lamp closed'))
      return {
        lamp: { color: 'red' },
        async start() {
          await new Promise(setImmediate)
          events.push('lamp started')
          if (trouble.start) throw new Error('no power')
        },
        stop() {
          events.push('lamp stopped')
          if (trouble.stop) throw new Error('stuck')
        },
      }
    },
  })
}

/** Requires the lamp. */
function deskType(events: string[]): ComponentType {
  return component({
    section: 'desk',
    presence: 'always',
    options: {},
    needs: { lamp: lampService },
    create({ needs, scope }) {
      events.push(`desk built with ${needs.lamp.color}`)
      scope.defer(() => events.push('desk closed'))
      return {
        start: () => void events.push('desk started'),
        stop: () => void events.push('desk stopped'),
      }
    },
  })
}

/** Uses the lamp if there is one; `look` returns its color. */
function wallType() {
  let lamp: () => Lamp | null = () => null
  let atBuild: Lamp | null | undefined
  const type = component({
    section: 'wall',
    presence: 'always',
    options: {},
    needs: { lamp: optional(lampService) },
    create({ needs }) {
      lamp = needs.lamp
      atBuild = lamp()
      return {}
    },
  })
  return { type, look: () => lamp()?.color ?? null, atBuild: () => atBuild }
}

test('a component receives the required service, starts after its provider and stops before it', async () => {
  const events: string[] = []
  const { set, warnings } = setOf([deskType(events), lampType(events)])
  set.build()
  assert.deepEqual(set.names, ['lamp', 'desk'])
  assert.equal(set.find(lampService)?.color, 'red')
  await set.start()
  await set.stop()
  assert.deepEqual(events, [
    'desk built with red',
    'lamp started',
    'desk started',
    'desk stopped',
    'desk closed',
    'lamp stopped',
    'lamp closed',
  ])
  assert.deepEqual(warnings.list(), [])
})

test('components without needs start at the same time', async () => {
  const { promise: met, resolve: meet } = Promise.withResolvers<void>()
  const type = (section: string, start: () => Promise<void> | void) =>
    component({ section, presence: 'always', options: {}, create: () => ({ start }) })
  const { set } = setOf([type('waits', () => met), type('ends the wait', meet)])
  set.build()
  await set.start()
})

test('components stop one after the other, the newest first, also after one that fails to stop', async () => {
  const events: string[] = []
  const type = (section: string) =>
    component({
      section,
      presence: 'always',
      options: {},
      create: () => ({
        async stop() {
          events.push(`${section} stops`)
          await new Promise(setImmediate)
          events.push(`${section} has stopped`)
        },
      }),
    })
  const { set, lines } = setOf([type('a'), lampType(events, { stop: true }), type('b')])
  set.build()
  await set.stop()
  assert.deepEqual(events, [
    'b stops',
    'b has stopped',
    'lamp stopped',
    'lamp closed',
    'a stops',
    'a has stopped',
  ])
  assert.match(lines.join(), /component \[lamp\] did not stop cleanly/)
})

test('an optional need is null until the provider is built, and after it has stopped', async () => {
  const { type, look, atBuild } = wallType()
  const { set } = setOf([type, lampType([])])
  set.build()
  assert.equal(atBuild(), null)
  assert.equal(look(), 'red')
  await set.stop()
  assert.equal(look(), null)
})

test('an optional need is null while the provider is not configured, and the component works', async () => {
  const { type, look } = wallType()
  const { set, warnings } = setOf([type, lampType([], { presence: 'configured' })])
  set.build()
  await set.start()
  assert.equal(look(), null)
  assert.deepEqual([set.names, set.failed, warnings.list()], [['wall'], [], []])
})

for (const phase of ['build', 'start'] as const) {
  test(`an optional need is null after the provider's ${phase} failed, and the component works`, async () => {
    const { type, look } = wallType()
    const { set } = setOf([type, lampType([], { [phase]: true })])
    set.build()
    await set.start()
    assert.equal(look(), null)
    assert.deepEqual([set.names, set.failed], [['wall'], ['lamp']])
  })
}

test('a component whose provider is not configured fails with a warning that names the section', async () => {
  const events: string[] = []
  const types = [deskType(events), lampType(events, { presence: 'configured' })]
  const { set, warnings } = setOf(types)
  set.build()
  await set.start()
  assert.deepEqual([set.names, set.failed, events], [[], ['desk'], []])
  assert.match(
    warnings.list().join(),
    /Component \[desk\] does not work: it needs the component \[lamp\], which is not configured/,
  )
  const { set: complete } = setOf(types, '[lamp]')
  complete.build()
  assert.deepEqual(complete.names, ['lamp', 'desk'])
})

test('a component whose provider cannot be built fails with a warning', () => {
  const { set, warnings } = setOf([deskType([]), lampType([], { build: true })])
  set.build()
  assert.deepEqual([set.names, set.failed], [[], ['lamp', 'desk']])
  assert.match(
    warnings.list().join(),
    /\[desk\] does not work: it needs the component \[lamp\], which does not/,
  )
})

test('a component whose provider fails to start does not start, and loses what it registered', async () => {
  const events: string[] = []
  const { set, warnings } = setOf([deskType(events), lampType(events, { start: true })])
  set.build()
  await set.start()
  assert.deepEqual(events, ['desk built with red', 'lamp started', 'lamp closed', 'desk closed'])
  assert.deepEqual([set.names, set.failed], [[], ['lamp', 'desk']])
  assert.match(warnings.list().join(), /\[lamp\] does not work: no power.*\[desk\] does not work: it needs/s)
  await set.stop()
  assert.ok(!events.includes('desk stopped'), 'what did not start does not stop')
})

for (const phase of ['build', 'start'] as const) {
  test(`the server does not start when the ${phase} of an essential component fails`, async () => {
    const { set } = setOf([lampType([], { [phase]: true, essential: true })])
    await assert.rejects(
      async () => {
        set.build()
        await set.start()
      },
      (error: Error) => error instanceof StartError && /\[lamp\] does not work/.test(error.message),
    )
  })
}
