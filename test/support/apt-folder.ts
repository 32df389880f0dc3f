// A system for apt in a folder of its own, with a local repository: the packages of this machine stay as they are.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { absent } from './program.ts'

/** Why apt cannot be tested here; false where it can. dpkg changes the owners of files. */
export const withoutApt = process.geteuid?.() === 0 ? absent('dpkg-deb') : 'apt needs root'

/** A package of the repository. */
export interface TestPackage {
  readonly name: string
  readonly version: string
  readonly depends?: string
  /** The shell script that runs after the installation. */
  readonly script?: string
}

/** While it exists, apt and dpkg of this process and its children work in the folder. */
export class AptFolder implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'apt-'))
  readonly #index: string[] = []
  readonly #before = { APT_CONFIG: process.env.APT_CONFIG, DPKG_ROOT: process.env.DPKG_ROOT }

  constructor() {
    const folders = ['root/var/lib/dpkg/info', 'root/var/lib/dpkg/updates', 'root/var/log', 'repo', 'log']
    const more = ['state/lists/partial', 'cache/archives/partial', 'etc/apt.conf.d', 'etc/preferences.d']
    for (const name of [...folders, ...more]) mkdirSync(join(this.folder, name), { recursive: true })
    for (const name of ['status', 'available']) writeFileSync(this.dpkg(name), '')
    writeFileSync(
      join(this.folder, 'apt.conf'),
      [
        `Dir "${this.folder}/";`,
        'Dir::State "state/";',
        `Dir::State::status "${this.dpkg('status')}";`,
        'Dir::Cache "cache/";',
        'Dir::Etc "etc/";',
        'Dir::Log "log/";',
        'APT::Sandbox::User "root";',
      ].join('\n'),
    )
    writeFileSync(join(this.folder, 'etc/sources.list'), `deb [trusted=yes] file:${this.folder}/repo ./\n`)
    writeFileSync(join(this.folder, 'repo/Packages'), '')
    process.env.APT_CONFIG = join(this.folder, 'apt.conf')
    process.env.DPKG_ROOT = join(this.folder, 'root')
  }

  /** A path in dpkg's database. */
  dpkg(name: string): string {
    return join(this.folder, 'root/var/lib/dpkg', name)
  }

  /** Adds a version of a package to the repository. */
  publish({ name, version, depends, script }: TestPackage): void {
    const build = join(this.folder, 'build')
    mkdirSync(join(build, 'DEBIAN'), { recursive: true })
    mkdirSync(join(build, 'usr/share', name), { recursive: true })
    writeFileSync(join(build, 'usr/share', name, 'version'), version)
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      'Architecture: all',
      'Maintainer: Tester <tester@example.org>',
      ...(depends === undefined ? [] : [`Depends: ${depends}`]),
      'Description: for a test',
    ].join('\n')
    writeFileSync(join(build, 'DEBIAN/control'), `${control}\n`)
    if (script !== undefined)
      writeFileSync(join(build, 'DEBIAN/postinst'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const file = `${name}_${version}_all.deb`
    const archive = join(this.folder, 'repo', file)
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', build, archive], { stdio: 'ignore' })
    rmSync(build, { recursive: true })
    const content = readFileSync(archive)
    const sha256 = createHash('sha256').update(content).digest('hex')
    this.#index.push(`${control}\nFilename: ./${file}\nSize: ${content.length}\nSHA256: ${sha256}\n`)
    writeFileSync(join(this.folder, 'repo/Packages'), this.#index.join('\n'))
  }

  /** Installs packages, as a user does. */
  install(...names: readonly string[]): void {
    execFileSync('apt-get', ['update'], { stdio: 'ignore' })
    execFileSync('apt-get', ['install', '--yes', ...names], { stdio: 'ignore' })
  }

  /** The installed version; null for none. */
  installed(name: string): string | null {
    const status = readFileSync(this.dpkg('status'), 'utf8')
    const entry = status.split('\n\n').find(text => text.startsWith(`Package: ${name}\n`))
    if (entry === undefined || !/^Status: install ok installed$/m.test(entry)) return null
    return /^Version: (.*)$/m.exec(entry)?.[1] ?? null
  }

  [Symbol.dispose](): void {
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    rmSync(this.folder, { recursive: true })
  }
}
