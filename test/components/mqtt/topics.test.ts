// Topic filters: which are valid, and which topics they match (MQTT 5, section 4.7).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFilter, matches } from '../../../src/components/mqtt/topics.ts'

test('filters match topics', () => {
  const matching: [string, string][] = [
    ['a/b', 'a/b'],
    ['a/+', 'a/b'],
    ['+/+', '/b'],
    ['a/#', 'a'],
    ['a/#', 'a/b/c'],
    ['#', 'a/b'],
    ['+', 'a'],
    ['$SYS/#', '$SYS/uptime'],
  ]
  for (const [filter, topic] of matching) assert.ok(matches(filter, topic), `${filter} ${topic}`)
  const others: [string, string][] = [
    ['a/b', 'a/b/c'],
    ['a/b/c', 'a/b'],
    ['a/+', 'a'],
    ['a/+', 'a/b/c'],
    ['+', '/a'],
    ['#', '$SYS/uptime'],
    ['+/uptime', '$SYS/uptime'],
  ]
  for (const [filter, topic] of others) assert.ok(!matches(filter, topic), `${filter} ${topic}`)
})

test('a wildcard must be a whole level, # the last one', () => {
  for (const filter of ['a/+/b', '#', '+', 'a/#']) checkFilter(filter)
  for (const filter of ['', 'a+', 'a/#/b', 'a#', 'a\0']) {
    assert.throws(() => checkFilter(filter), { status: 400 }, filter)
  }
})
