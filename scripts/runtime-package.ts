// Packages of npm with programs for one kind of processor: Node itself, and what koffi loads.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What the lock file knows of a package. */
interface Locked {
  readonly version: string
  /** The hash of its archive, as npm writes it. */
  readonly integrity: string
}

/** What the lock file knows of the package `name`. Throws Error if it does not have it. */
export function lockedPackage(name: string): Locked {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>
  }
  const locked = lock.packages[`node_modules/${name}`]
  if (locked === undefined) throw new Error(`package-lock.json has no package ${name}`)
  return locked
}

/**
 * The folder of the package `name`, in the version of the lock file. npm installs only those of this machine's processor;
 * any other one is downloaded and unpacked in `work`. Throws Error if that fails, or if its hash is not that of the lock file.
 */
export function runtimePackage(name: string, work: string): string {
  const installed = join(root, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return installed
  const locked = lockedPackage(name)
  const folder = join(work, name.replace('/', '+'))
  mkdirSync(folder, { recursive: true })
  const pack = [
    'pack',
    `${name}@${locked.version}`,
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    folder,
  ]
  const [packed] = JSON.parse(execFileSync('npm', pack, { encoding: 'utf8' })) as [
    { readonly filename: string; readonly integrity: string },
  ]
  if (packed.integrity !== locked.integrity)
    throw new Error(`${name}: the hash is not that of package-lock.json`)
  execFileSync('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', folder])
  return folder
}

/** The program of koffi and of its native packages, without their sources. */
const KOFFI = [
  'package.json',
  'index.{js,cjs}',
  'src/koffi/index.{js,cjs}',
  'src/koffi/src/static.{js,cjs}',
  'linux_*/koffi.node',
]

/** The files that run of koffi, or of the native package for it, in `folder`; relative to it. */
export function koffiFiles(folder: string): string[] {
  return globSync(KOFFI, { cwd: folder }).sort()
}
