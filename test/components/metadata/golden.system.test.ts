// Real files of each slicer against recorded results of Moonraker's scanner, if the folder with both is present.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { GcodeFolder } from './gcode-folder.ts'
import { compare, goldenFiles } from './golden.ts'

const FOLDER = join(import.meta.dirname, '../../../../shared/gcode')
const skip = existsSync(join(FOLDER, 'golden')) ? false : 'the recorded files are not next to the project'

for (const mode of ['plain', 'objects'] as const) {
  suite(`${mode}: every field is equal or better`, { skip }, () => {
    for (const name of skip ? [] : goldenFiles(FOLDER)) {
      test(name, async () => {
        using work = new GcodeFolder()
        const verdicts = await compare(FOLDER, name, mode, work.path)
        assert.ok(verdicts.length >= 4)
        assert.deepEqual(
          verdicts.filter(({ verdict }) => verdict === 'different'),
          [],
        )
      })
    }
  })
}
