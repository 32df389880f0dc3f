// What a build contains of other packages: their licences, and the list of them.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Component, LICENCES, SBOM } from '../scripts/third-party.mjs'
import { serverBundle } from './support/server-bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The package that is installed next to a build. */
const NATIVE = 'koffi'

/** The packages that the sources of the server and of its pages import for more than types. */
function importedPackages(): Set<string> {
  const names = globSync('src/**/*.ts', { cwd: ROOT }).flatMap(path => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const imports = [
      ...text.matchAll(/^import (?!type )[^']*?from '([^.'][^']*)'/gm),
      ...text.matchAll(/\bimport\('([^.'][^']*)'\)/g),
    ]
    return imports.map(([, name]) => name as string)
  })
  return new Set(names.filter(name => !name.startsWith('node:') && name !== NATIVE))
}

test('a build lists the packages in it, with their versions, and has the licence of each', async () => {
  const folder = await serverBundle()
  const { components } = JSON.parse(readFileSync(join(folder, SBOM), 'utf8')) as {
    components: Component[]
  }
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>
  }
  const listed = components.map(({ name }) => name)
  const expected = [...importedPackages(), 'swagger-ui-dist', 'uqr']
  assert.deepEqual(
    expected.filter(name => !listed.includes(name)),
    [],
  )
  for (const name of ['esbuild', NATIVE]) assert.ok(!listed.includes(name), name)
  for (const { name, version, purl } of components) {
    assert.equal(version, lock.packages[`node_modules/${name}`]?.version)
    assert.equal(purl, `pkg:npm/${name.replace('@', '%40')}@${version}`)
  }
  const parts = readFileSync(join(folder, LICENCES), 'utf8').split(/^-{80}\n(.+)\n-{80}\n/m)
  const heads = parts.filter((_, index) => index % 2 === 1)
  assert.deepEqual(
    heads,
    components.map(({ name, version, licenses }) => `${name} ${version} (${licenses[0]?.expression})`),
  )
  const texts = parts.slice(1).filter((_, index) => index % 2 === 1)
  for (const [index, text] of texts.entries())
    assert.match(text, /copyright|public domain|permission|licen[cs]e/i, heads[index])
  assert.match(texts[listed.indexOf('swagger-ui-dist')] ?? '', /react/i)
})
