// The package moonraker-ts-node: Node.js and the native part of koffi for one processor.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { koffiFiles, runtimePackage } from '../runtime-package.ts'
import { PackageTree } from './package-tree.ts'
import { type BuildOptions, FIELDS, HOME, lintianOverrides, ROOT, writeChangelog } from './shared.ts'

/** The processors as Node names them, by the names that Debian has. */
export const PROCESSORS = { amd64: 'x64', arm64: 'arm64' } as const
export type Architecture = keyof typeof PROCESSORS

export const NODE_PACKAGE = 'moonraker-ts-node'
/** Increased when the package changes, and neither Node nor koffi does. */
const REVISION = 1

/** The version of the package: those of Node and koffi, which the project pins. */
export function nodePackageVersion(): string {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { version: string }>>
  }
  const version = (name: string) => packages[`node_modules/${name}`]!.version
  return `${version(`node-linux-${PROCESSORS.amd64}`)}+koffi${version('koffi')}-${REVISION}`
}

/** Builds the package; `work` is a folder for downloads. Returns the path of its file. */
export function buildNodePackage(architecture: Architecture, options: BuildOptions, work: string): string {
  const processor = PROCESSORS[architecture]
  const [nodeName, nativeName] = [`node-linux-${processor}`, `@koromix/koffi-linux-${processor}`]
  const [node, koffi, native] = [nodeName, 'koffi', nativeName].map(name => runtimePackage(name, work)) as [
    string,
    string,
    string,
  ]
  using tree = new PackageTree()
  tree.copy(`${HOME}/bin/node`, join(node, 'bin/node'), 0o755)
  const modules = `${HOME}/node_modules`
  for (const [name, folder] of [
    ['koffi', koffi],
    [nativeName, native],
  ] as const) {
    for (const path of koffiFiles(folder)) tree.copy(`${modules}/${name}/${path}`, join(folder, path))
  }
  const licences = { 'Node.js': join(node, 'LICENSE'), koffi: join(koffi, 'LICENSE.txt') }
  const texts = Object.entries(licences).map(
    ([name, path]) => `== ${name} ==\n\n${readFileSync(path, 'utf8')}`,
  )
  tree.write(`usr/share/doc/${NODE_PACKAGE}/copyright`, texts.join('\n'))
  const version = nodePackageVersion()
  writeChangelog(tree, NODE_PACKAGE, version, options)
  lintianOverrides(tree, NODE_PACKAGE)
  return tree.build({
    ...options,
    fields: {
      ...FIELDS,
      Package: NODE_PACKAGE,
      Version: version,
      Architecture: architecture,
      Depends: 'libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8)',
      Description: [
        'Node.js for moonraker-ts',
        ' The Node.js that moonraker-ts is tested with, and the library koffi, with which',
        ' it uses serial ports, GPIO pins, CAN buses and cameras. No other program of the',
        ' system uses this Node.js.',
      ].join('\n'),
    },
  })
}
