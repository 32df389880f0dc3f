// The rows of the page of many printers, and the part of them that is on the screen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layoutOf, type View } from '../../src/pages/printers/layout.ts'
import { Rows } from '../../src/pages/printers/rows.ts'
import type { Row, State } from '../../src/pages/printers/source.ts'

function row(name: string, state: State = 'ready', filename?: string): Row {
  const print = filename === undefined ? null : { filename, progress: 0.5 }
  return { id: name, name, state, print, problem: null, link: '#', camera: false, canCommand: true }
}

const namesOf = (rows: Rows) => rows.shown.map(({ name }) => name)

test('the filter finds names and files, and one group of states', () => {
  const rows = new Rows()
  rows.replace([row('voron', 'printing', 'Gear.gcode'), row('mk4'), row('ender', 'error')])
  rows.filter = { text: ' GEAR ', group: null }
  assert.deepEqual(namesOf(rows), ['voron'])
  rows.filter = { text: '', group: 'Need help' }
  assert.deepEqual(namesOf(rows), ['ender'])
  rows.filter = { text: 'mk', group: 'Printing' }
  assert.deepEqual(namesOf(rows), [])
  assert.deepEqual(Object.fromEntries(rows.counts()), {
    Printing: 1,
    Paused: 0,
    Finished: 0,
    Ready: 1,
    'Need help': 1,
    Offline: 0,
  })
})

test('changes replace rows in their places, add new ones and remove', () => {
  const rows = new Rows()
  rows.replace([row('a'), row('b'), row('c')])
  rows.apply({ changed: [row('b', 'printing'), row('d')], removed: ['a'] })
  assert.deepEqual(
    rows.shown.map(({ name, state }) => [name, state]),
    [
      ['b', 'printing'],
      ['c', 'ready'],
      ['d', 'ready'],
    ],
  )
})

const VIEW: View = { width: 1200, above: 0, screenHeight: 800, count: 10_000, withPictures: false }

test('of ten thousand rows only those on the screen have tiles, wherever a person scrolls', () => {
  const { height } = layoutOf(VIEW)
  for (const above of [-300, 0, height / 2, height - 800]) {
    const layout = layoutOf({ ...VIEW, above })
    const rows = layout.end - layout.first
    assert.ok(rows > 0 && rows <= 50, `${rows} at ${above}`)
    const [first, last] = [layout.place(layout.first), layout.place(layout.end - 1)]
    assert.ok(first.top <= Math.max(0, above), `the top of the screen is empty at ${above}`)
    assert.ok(
      last.top + layout.tileHeight >= Math.min(height, above + 800),
      `the bottom is empty at ${above}`,
    )
  }
})

test('tiles fill the width from a phone to a wide screen, and never exceed it', () => {
  for (const width of [280, 296, 700, 1232, 3000]) {
    const layout = layoutOf({ ...VIEW, width, count: 30 })
    const columns = new Set(Array.from({ length: 30 }, (_, index) => layout.place(index).left)).size
    const right =
      Math.max(...Array.from({ length: 30 }, (_, index) => layout.place(index).left)) + layout.tileWidth
    assert.ok(right <= width && right > width - 13 * columns, `${right} of ${width}`)
  }
  assert.deepEqual([layoutOf({ ...VIEW, count: 0 }).height, layoutOf({ ...VIEW, count: 0 }).end], [0, 0])
})
