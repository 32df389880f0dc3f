// Programs in place of those of the system: this process finds them first.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of such programs; `using` takes them away again. */
export interface FakePrograms extends Disposable {
  /** For what the programs keep. */
  readonly folder: string
  /** Lines that the programs wrote into `calls`. */
  calls(): string[]
}

/** Shell scripts by the names of the programs; `$HERE` is their folder. With `alone` there are no others. */
export function fakePrograms(
  scripts: Readonly<Record<string, string>>,
  { alone = false }: { readonly alone?: boolean } = {},
): FakePrograms {
  const folder = mkdtempSync(join(tmpdir(), 'programs-'))
  const calls = join(folder, 'calls')
  writeFileSync(calls, '')
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\nHERE=${folder}\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const { PATH } = process.env
  process.env.PATH = alone ? folder : `${folder}:${PATH}`
  return {
    folder,
    calls: () => readFileSync(calls, 'utf8').split('\n').slice(0, -1),
    [Symbol.dispose]() {
      process.env.PATH = PATH
      rmSync(folder, { recursive: true })
    },
  }
}

/** Whether there is a process of that number, as a program has written it. */
export function isRunning(pid: string): boolean {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}
