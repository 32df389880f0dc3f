// Files of each slicer, which are not in the repository, print to their end on the machine of the default printer.cfg.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { defaultPrinterCfg } from '../../src/virtual-printer/index.ts'
import { print, startPrinter } from './printer-rig.ts'

const FILES = join(import.meta.dirname, '../../../shared/gcode/files')

describe('files of slicers', { concurrency: true, skip: !existsSync(FILES) }, () => {
  for (const name of existsSync(FILES) ? readdirSync(FILES) : []) {
    if (!name.endsWith('.gcode')) continue
    test(`${name} prints to its end`, async () => {
      const rig = await startPrinter({ config: defaultPrinterCfg({ strict: false }), speed: 1000 })
      await using _ = rig
      const client = await rig.connect()
      await client.subscribeOutput()
      copyFileSync(join(FILES, name), join(rig.folder, 'gcodes', name))
      const { state, message } = await print(rig, client, name)
      assert.deepEqual({ state, message }, { state: 'complete', message: '' })
    })
  }
})
