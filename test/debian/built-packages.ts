// The Debian packages, built for a test.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
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

  /** Writes the package of the server once more, as another version. Returns the file. */
  withVersion(version: string): string {
    const file = join(this.folder, `moonraker-ts_${version}_all.deb`)
    if (existsSync(file)) return file
    const tree = join(this.folder, `tree-${version}`)
    const old = execFileSync('dpkg-deb', ['--field', this.server, 'Version'], { encoding: 'utf8' }).trim()
    execFileSync('dpkg-deb', ['--raw-extract', this.server, tree])
    for (const name of [
      'DEBIAN/control',
      'DEBIAN/postinst',
      'usr/lib/moonraker-ts/dist/installed-package.json',
    ]) {
      const path = join(tree, name)
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(old, version))
    }
    execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, file], { stdio: 'ignore' })
    return file
  }

  /** What lintian reports about both packages; empty for nothing that has no override. */
  lint(): string {
    const tags = 'uses-no-compression-for-control-tarball,uses-no-compression-for-data-tarball'
    const args = ['--no-cfg', '--suppress-tags', tags, this.server, this.node]
    return spawnSync('lintian', args, { encoding: 'utf8' }).stdout
  }

  /** The path of a file in a DebianSystem. */
  inSystem(file: string): string {
    return join('/packages', basename(file))
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
