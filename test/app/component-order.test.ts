import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sortComponents } from '../../src/app/component-order.ts'
import { type ComponentType, component } from '../../src/component/component.ts'
import { type Needs, optional, type Provides, service } from '../../src/component/service.ts'

const [paint, wood, nails] = ['paint', 'wood', 'nails'].map(name => service<string>(name)) as [
  ReturnType<typeof service<string>>,
  ReturnType<typeof service<string>>,
  ReturnType<typeof service<string>>,
]

function part(section: string, needs: Needs, provides: Provides = {}): ComponentType {
  return component<Record<never, never>, Needs, Provides>({
    section,
    presence: 'always',
    options: {},
    needs,
    provides,
    create: () => ({}) as never,
  })
}

const sections = (types: readonly ComponentType[]) => types.map(({ section }) => section)

test('a component comes after the providers of what it requires, the others keep their order', () => {
  const types = [
    part('first', {}),
    part('fence', { paint, wood }),
    part('second', {}),
    part('painter', { wood }, { paint }),
    part('forester', {}, { wood }),
    part('last', { wood }),
  ]
  assert.deepEqual(sections(sortComponents(types)), [
    'first',
    'forester',
    'painter',
    'fence',
    'second',
    'last',
  ])
})

test('components that require each other are an error that names the circle', () => {
  const types = [
    part('outside', { paint }),
    part('a', { wood }, { paint }),
    part('b', { nails }, { wood }),
    part('c', { paint }, { nails }),
  ]
  assert.throws(() => sortComponents(types), /\[a\] → \[b\] → \[c\] → \[a\]; make one of the needs optional/)
})

test('an optional need makes no circle and no order', () => {
  const types = [part('a', { wood: optional(wood) }, { paint }), part('b', { paint }, { wood })]
  assert.deepEqual(sections(sortComponents(types)), ['a', 'b'])
  assert.deepEqual(sections(sortComponents(types.reverse())), ['a', 'b'])
})

test('a required service without a provider is an error; an optional one is not', () => {
  assert.throws(
    () => sortComponents([part('fence', { wood })]),
    /component \[fence\] needs the service 'wood', which no component provides/,
  )
  assert.deepEqual(sections(sortComponents([part('fence', { wood: optional(wood) })])), ['fence'])
})

test('a service that the server gives needs no provider', () => {
  assert.deepEqual(sections(sortComponents([part('fence', { wood })], new Set(['wood']))), ['fence'])
})

test('two providers of one service are an error', () => {
  const forester = part('forester', {}, { wood })
  assert.throws(
    () => sortComponents([forester, part('shop', {}, { wood })]),
    /component \[forester\] and component \[shop\] both provide the service 'wood'/,
  )
  assert.throws(() => sortComponents([forester], new Set(['wood'])), /the server and component \[forester\]/)
})
