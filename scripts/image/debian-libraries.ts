// The shared libraries that a program needs, from the Debian of this machine.
import { execFileSync, spawnSync } from 'node:child_process'
import { type Component, component } from '../third-party.mjs'

/** A library, its file on this machine, and the package of Debian that owns it. */
export interface SharedLibrary {
  readonly name: string
  readonly path: string
  readonly owner: string
}

/** SPDX expressions by the start of the names of packages. */
const LICENCES: Readonly<Record<string, string>> = {
  libc6: 'LGPL-2.1-or-later',
  libgcc: 'GPL-3.0-or-later WITH GCC-exception-3.1',
  'libstdc++': 'GPL-3.0-or-later WITH GCC-exception-3.1',
}

/**
 * All libraries that `program` needs, and the path at which it expects the one of them that loads the others. `triplet` is
 * Debian's name of its processor. Throws Error if a library is not installed.
 */
export function neededLibraries(program: string, triplet: string) {
  const [, loader] = /program interpreter: ([^\]]+)\]/.exec(readElf('--segments', program)) ?? []
  if (loader === undefined) throw new Error(`${program} is not a program with shared libraries`)
  const libraries = new Map<string, SharedLibrary>()
  const files = [program]
  for (const file of files) {
    for (const [, name = ''] of readElf('--dynamic', file).matchAll(/\(NEEDED\).*\[([^\]]+)\]/g)) {
      if (libraries.has(name)) continue
      const library = findLibrary(name, triplet)
      libraries.set(name, library)
      files.push(library.path)
    }
  }
  return { loader, libraries: [...libraries.values()] }
}

function readElf(part: string, file: string): string {
  const env = { ...process.env, LC_ALL: 'C' }
  return execFileSync('readelf', ['--wide', part, file], { encoding: 'utf8', env })
}

/** The last folder has the libraries for the processor of another machine. */
function findLibrary(name: string, triplet: string): SharedLibrary {
  const folders = [`/lib/${triplet}`, `/usr/lib/${triplet}`, `/usr/${triplet}/lib`]
  const paths = folders.map(folder => `${folder}/${name}`)
  // Its exit code only reports that not all of the paths belong to a package.
  const { stdout } = spawnSync('dpkg-query', ['--search', ...paths], { encoding: 'utf8' })
  const [, owner, path] = /^(\S+): (\S+)$/m.exec(stdout) ?? []
  if (owner === undefined || path === undefined)
    throw new Error(`no package of Debian with the library ${name} for ${triplet} is installed`)
  return { name, path, owner }
}

/** The file with the licence of an installed package of Debian. */
export function copyrightFile(owner: string): string {
  return `/usr/share/doc/${owner.replace(/:.*/, '')}/copyright`
}

/** What an SBOM has of an installed package of Debian. Throws Error if its licence is not known here. */
export function debianComponent(owner: string): Component {
  // dpkg's own placeholders.
  const format = ['Package', 'Version', 'Architecture'].map(field => `\${${field}}`).join(' ')
  const show = ['--show', `--showformat=${format}`, owner]
  const shown = execFileSync('dpkg-query', show, { encoding: 'utf8' })
  const [name = '', version = '', architecture] = shown.split(' ')
  const [, licence] = Object.entries(LICENCES).find(([start]) => name.startsWith(start)) ?? []
  if (licence === undefined) throw new Error(`${import.meta.filename} has no licence of the package ${name}`)
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`
  return component({ name, version, licence, purl })
}
