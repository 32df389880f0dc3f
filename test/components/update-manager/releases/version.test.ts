// Versions of releases: their order, and which of them are previews.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareVersions,
  isPrerelease,
  parseVersion,
  type Version,
} from '../../../../src/components/update-manager/releases/version.ts'

const version = (text: string): Version => {
  const parsed = parseVersion(text)
  assert.ok(parsed !== null, `${text} is a version`)
  return parsed
}

const assertOrder = (...texts: readonly string[]) => {
  for (const [index, earlier] of texts.entries()) {
    for (const later of texts.slice(index + 1)) {
      assert.ok(compareVersions(version(earlier), version(later)) < 0, `${earlier} < ${later}`)
      assert.ok(compareVersions(version(later), version(earlier)) > 0, `${later} > ${earlier}`)
    }
  }
}

test('versions follow SemVer', () => {
  assertOrder(
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  )
})

test('versions of Python packages follow PEP 440', () => {
  assertOrder(
    '1.0.dev456',
    '1.0a1.dev1',
    '1.0a1',
    '1.0a2.dev456',
    '1.0a12',
    '1.0b1.dev456',
    '1.0b2',
    '1.0b2.post345.dev456',
    '1.0b2.post345',
    '1.0rc1.dev456',
    '1.0rc1',
    '1.0',
    '1.0.post456.dev34',
    '1.0.post456',
    '1.1.dev1',
    '1!0.1',
  )
})

test('spellings of one version are equal', () => {
  const pairs = [
    ['v1.2.0', '1.2.0'],
    ['V1.2', '1.2.0'],
    ['1.0.0-beta.1', '1.0b1'],
    ['1.0-rc1', '1.0.0c1'],
    ['1.0-1', '1.0.post1'],
    ['1.0.0+build.5', '1.0.0'],
  ]
  for (const [a = '', b = ''] of pairs)
    assert.equal(compareVersions(version(a), version(b)), 0, `${a} = ${b}`)
})

test('a preview comes before its release', () => {
  const previews = ['v1.2.0-beta.1', '1.0a1', '1.0.dev3', '2.0-rc1', '1.0.post1.dev2', '3.0.0-nightly']
  for (const text of previews) assert.ok(isPrerelease(version(text)), text)
  for (const text of ['v1.2.0', '1.0.post1', 'v0.9.0-31-gabcdef0', '2024.01.02'])
    assert.ok(!isPrerelease(version(text)), text)
})

test('other texts are not versions', () => {
  for (const text of [
    '',
    '?',
    'Release 1.1',
    'latest',
    'v',
    '1.0 beta',
    `1.${'0.'.repeat(200)}1`,
    '1.0/../2',
  ])
    assert.equal(parseVersion(text), null, text)
})
