import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build } from 'esbuild'

test('the client bundles for browsers, without a module of Node and without the contract', async () => {
  const { metafile } = await build({
    entryPoints: [new URL('../../src/client/index.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
  })
  const [output] = Object.values(metafile.outputs)
  assert.deepEqual(output?.imports, [])
  const foreign = Object.keys(metafile.inputs).filter(path => !path.includes('src/client/'))
  assert.deepEqual(foreign, [])
})
