// A path that is resolved while another program makes and removes the file.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Roots } from '../../../src/components/files/roots/roots.ts'

const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 500)

test('a path is resolved whether or not the file exists at that moment', async () => {
  const path = mkdtempSync(join(tmpdir(), 'roots-'))
  const roots = new Roots()
  const root = { name: 'gcodes', path, writable: true }
  let done = false
  const makeAndRemove = async () => {
    while (!done) {
      await writeFile(join(path, 'same.gcode'), '')
      await rm(join(path, 'same.gcode'))
    }
  }
  const busy = makeAndRemove()
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
