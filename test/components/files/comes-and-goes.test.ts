// A path that is looked at while others put a file there and take it away again.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Roots } from '../../../src/components/files/roots/roots.ts'

const ROUNDS = 3000

test('a name is found whether or not its file is there at the moment', async () => {
  const path = mkdtempSync(join(tmpdir(), 'roots-'))
  const roots = new Roots()
  const root = { name: 'gcodes', path, writable: true }
  let done = false
  const comeAndGo = async () => {
    while (!done) {
      await writeFile(join(path, 'same.gcode'), '')
      await rm(join(path, 'same.gcode'))
    }
  }
  const busy = comeAndGo()
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      assert.equal((await roots.resolve(root, 'same.gcode')).relative, 'same.gcode')
    }
  } finally {
    done = true
    await busy
    rmSync(path, { recursive: true })
  }
})
