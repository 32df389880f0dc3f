// Examines G-code that a test writes, through a file as the worker does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Examination,
  type ExaminationOptions,
  examineFile,
} from '../../../../src/components/analysis/estimator/examine-file.ts'

/** Writes a file, examines it, and removes it. */
export async function examineText(
  gcode: string | Buffer,
  options: Partial<ExaminationOptions> & Pick<ExaminationOptions, 'machine'>,
): Promise<Examination> {
  const folder = mkdtempSync(join(tmpdir(), 'estimate-'))
  try {
    const path = join(folder, 'print.gcode')
    writeFileSync(path, gcode)
    return await examineFile(path, {
      knownCommands: null,
      signal: new AbortController().signal,
      ...options,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
