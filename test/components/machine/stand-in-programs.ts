// Programs that stand in for those of a system, found first by whatever this process runs.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of such programs; `using` takes them away again. */
export interface StandInPrograms extends Disposable {
  /** For what the programs keep. */
  readonly folder: string
  /** Lines that the programs wrote into `calls`. */
  calls(): string[]
}

/** Shell scripts by the names of the programs; `$HERE` is their folder. */
export function standInPrograms(scripts: Readonly<Record<string, string>>): StandInPrograms {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'))
  const calls = join(folder, 'calls')
  writeFileSync(calls, '')
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\nHERE=${folder}\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const { PATH } = process.env
  process.env.PATH = `${folder}:${PATH}`
  return {
    folder,
    calls: () => readFileSync(calls, 'utf8').split('\n').slice(0, -1),
    [Symbol.dispose]() {
      process.env.PATH = PATH
      rmSync(folder, { recursive: true })
    },
  }
}
