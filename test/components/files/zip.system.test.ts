// Archives of files, read by another program.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { absent } from '../../support/program.ts'
import { postJson } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

const PYTHON = 'python3'

test('Python finds no damaged member in an archive', { skip: absent(PYTHON) }, async () => {
  await using rig = await startRig({ printer: 'none' })
  writeFileSync(join(rig.paths.gcodes, 'a.gcode'), 'G28\n'.repeat(1000))
  writeFileSync(join(rig.paths.gcodes, 'b ü.gcode'), 'G1\n')
  for (const store_only of [false, true]) {
    const items = ['gcodes', 'config/moonraker.conf']
    await postJson(rig.port, '/server/files/zip', { dest: 'config/out.zip', items, store_only })
    const path = join(rig.paths.config, 'out.zip')
    assert.equal(execFileSync(PYTHON, ['-m', 'zipfile', '-t', path], { encoding: 'utf8' }), 'Done testing\n')
  }
})
