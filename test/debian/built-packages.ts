// The Debian packages, built for a test.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BUILD = fileURLToPath(new URL('../../scripts/build-deb.ts', import.meta.url))

/** The packages for one processor, in a folder. They are not compressed: that would take minutes. */
export class BuiltPackages implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'packages-'))
  /** The files of the packages. */
  readonly server: string
  readonly node: string

  constructor(arch: 'amd64' | 'arm64') {
    const args = [BUILD, '--arch', arch, '--compression', 'none', '--output', this.folder]
    execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const find = (pattern: RegExp) =>
      join(this.folder, readdirSync(this.folder).find(name => pattern.test(name))!)
    this.server = find(/^moonraker-ts_/)
    this.node = find(/^moonraker-ts-node_/)
  }

  /** Unpacks a package into `name` of the folder, and returns that path. */
  unpack(file: string, name: string): string {
    const target = join(this.folder, name)
    execFileSync('dpkg-deb', ['--extract', file, target])
    return target
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
