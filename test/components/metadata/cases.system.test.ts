// Small files with the right values, if the folder with both is present.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { scanFile } from '../../../src/components/metadata/scan.ts'
import { writePictures } from '../../../src/components/metadata/write-pictures.ts'
import { GcodeFolder } from './gcode-folder.ts'

const FOLDER = join(import.meta.dirname, '../../../../shared/cases/gcode')
const skip = existsSync(FOLDER) ? false : 'the files are not next to the project'

suite('cases', { skip }, () => {
  const expected = skip
    ? {}
    : (JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as Record<string, object>)
  for (const [name, fields] of Object.entries(expected)) {
    test(name, async () => {
      using folder = new GcodeFolder()
      cpSync(FOLDER, folder.path, { recursive: true, mode: 0 })
      const path = join(folder.path, name)
      if (!existsSync(path)) execFileSync('python3', [join(FOLDER, 'make-large.py')], { cwd: folder.path })
      const { metadata, thumbnails } = await scanFile(path)
      for (const [field, value] of Object.entries(fields)) {
        if (field === 'thumbnails') continue
        assert.deepEqual(metadata[field as keyof typeof metadata] ?? null, value, field)
      }
      if (!('thumbnails' in fields)) return
      const { entries } = await writePictures(path, thumbnails)
      assert.deepEqual(
        entries.map(({ width }) => width),
        [32, 40],
      )
    })
  }
})
