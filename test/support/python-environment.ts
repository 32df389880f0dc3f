// A Python environment with the pip of this machine, and a local index of packages.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { absent } from './program.ts'
import { zipOf } from './zip-of.ts'

const PYTHON = 'python3'

/** Why there can be none here; false where there can. */
export const withoutPip: string | false = absent(PYTHON) || (hasPip() ? false : 'pip is not installed')

function hasPip(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import pip, venv'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A package of the index. */
export interface TestWheel {
  readonly name: string
  readonly version: string
  /** Names of packages that it needs. */
  readonly requires?: readonly string[]
  /** A command of that name that prints the version. */
  readonly command?: string
}

/** While it exists, pip of this process and its children uses the index. */
export class PythonEnvironment implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'python-'))
  /** The folder of the environment. */
  readonly path = join(this.folder, 'an env')
  readonly #variables = {
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: join(this.folder, 'index'),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_CONFIG_FILE: '/dev/null',
  }

  constructor() {
    mkdirSync(join(this.folder, 'index'))
    execFileSync(PYTHON, ['-m', 'venv', '--without-pip', this.path])
    // pip of the machine, as its own takes seconds to install.
    const script = 'import os, pip; print(os.path.dirname(os.path.dirname(pip.__file__)))'
    const packages = execFileSync(PYTHON, ['-c', script], { encoding: 'utf8' })
    writeFileSync(join(this.#sitePackages(), 'machine.pth'), packages)
    writeFileSync(join(this.path, 'bin/pip'), '#!/bin/sh\n', { mode: 0o755 })
    Object.assign(process.env, this.#variables)
  }

  #sitePackages(): string {
    const lib = join(this.path, 'lib')
    return join(lib, readdirSync(lib)[0] ?? '', 'site-packages')
  }

  /** Adds a version of a package to the index. */
  publish({ name, version, requires = [], command }: TestWheel): void {
    const info = `${name}-${version}.dist-info`
    const needs = requires.map(each => `Requires-Dist: ${each}\n`).join('')
    const files = {
      [`${name}/__init__.py`]: `def main():\n    print('${version}')\n`,
      [`${name}/release_info`]: JSON.stringify({
        urls: { changelog: 'https://example.org/changes', repository: `https://github.com/dummy/${name}` },
      }),
      [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${needs}`,
      [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
      ...(command !== undefined && {
        [`${info}/entry_points.txt`]: `[console_scripts]\n${command} = ${name}:main\n`,
      }),
    }
    const record = [...Object.keys(files), `${info}/RECORD`].map(path => `${path},,\n`).join('')
    const entries = Object.entries({ ...files, [`${info}/RECORD`]: record })
    writeFileSync(
      join(this.folder, 'index', `${name}-${version}-py3-none-any.whl`),
      zipOf(entries.map(([path, content]) => ({ name: path, content }))),
    )
  }

  /** Installs packages, as a user does. */
  install(...names: readonly string[]): void {
    execFileSync(join(this.path, 'bin/python'), ['-m', 'pip', 'install', ...names], { stdio: 'ignore' })
  }

  /** What a command of the environment prints. */
  run(command: string): string {
    return execFileSync(join(this.path, 'bin', command), { encoding: 'utf8' }).trim()
  }

  [Symbol.dispose](): void {
    for (const name of Object.keys(this.#variables)) delete process.env[name]
    rmSync(this.folder, { recursive: true, force: true })
  }
}
