// A temporary folder with G-code files for one test.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that is removed with the test (`using`). */
export class GcodeFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'metadata-test-'))

  /** Writes a file and returns its path. */
  write(name: string, content: string | Buffer): string {
    const path = join(this.path, name)
    writeFileSync(path, content)
    return path
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
