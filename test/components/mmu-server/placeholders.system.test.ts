// Files of Happy Hare's own tests, which are not part of this project: HAPPY_HARE names a copy of it.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { test } from 'node:test'
import { lines, PRUSA, run } from './process-file.ts'

const { HAPPY_HARE = '' } = env

test("Happy Hare's own test files", {
  skip: existsSync(HAPPY_HARE) ? false : 'HAPPY_HARE names no copy of Happy Hare',
}, async () => {
  const tools = { toolchange: '0,1,3,4,5,12', no_toolchange: '0' }
  for (const [name, expected] of Object.entries(tools)) {
    const text = readFileSync(join(HAPPY_HARE, 'test/support', `${name}.orig.gcode`), 'latin1')
    // The files are of no slicer, and have the placeholder of an older version.
    const content = lines(PRUSA, text).replaceAll('!mmu_inject_referenced_tools!', '!referenced_tools!')
    const result = (await run(content)).text ?? ''
    assert.match(result, new RegExp(`^PRINT_START MMU_TOOLS_USED=${expected}$`, 'm'), name)
    if (name === 'toolchange')
      assert.match(result, /^; start_gcode: PRINT_START MMU_TOOLS_USED=!referenced_tools!$/m)
  }
})
