// A configuration folder that is removed with its test.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A temporary folder; with `using` it is removed at the end of the test. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'config-'))

  /** Writes files by their relative names, folders included. */
  constructor(files: Record<string, string | Buffer> = {}) {
    for (const [name, content] of Object.entries(files)) this.write(name, content)
  }

  at(name: string): string {
    return path.join(this.path, name)
  }

  write(name: string, content: string | Buffer): string {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeFileSync(this.at(name), content)
    return this.at(name)
  }

  link(name: string, target: string): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    symlinkSync(target, this.at(name))
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8')
  }

  chmod(name: string, mode: number): void {
    chmodSync(this.at(name), mode)
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
