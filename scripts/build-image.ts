// Builds the container image: Node with the libraries that it needs, and the server; there is no shell and no system.
// `npm run build:image -- [--arch amd64|arm64] [--output FILE]`. Needs Debian and readelf; for the processor of another
// machine also Debian's libraries for it: libc6-arm64-cross and libstdc++6-arm64-cross.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { containerConfig, DATA, type Manifest, NODE, PROGRAM, USER } from './image/container-config.ts'
import { copyrightFile, debianComponent, neededLibraries } from './image/debian-libraries.ts'
import { type Layer, writeImage } from './image/oci-archive.ts'
import { koffiFiles, runtimePackage } from './runtime-package.ts'
import { sourceDate } from './source-date.ts'
import { type Component, component, identifyPackage, SBOM, sbom } from './third-party.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What differs between processors, by the names that containers have for them. */
const MACHINES = {
  amd64: { npm: 'x64', debian: 'x86_64-linux-gnu' },
  arm64: { npm: 'arm64', debian: 'aarch64-linux-gnu' },
} as const
type Architecture = keyof typeof MACHINES

const ACCOUNTS: Readonly<Record<string, string>> = {
  '/etc/passwd': `root:x:0:0:root:/:/none\nmoonraker:x:${USER}:${USER}::${DATA}:/none\n`,
  '/etc/group': `root:x:0:\nmoonraker:x:${USER}:\n`,
  // Without it, glibc looks up localhost in the DNS first.
  '/etc/nsswitch.conf': 'hosts: files dns\n',
}

/** A folder with the files of a layer, by their paths in the image. */
class Tree {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
  }

  copy(source: string, path: string, isPart = (_source: string) => true): void {
    cpSync(source, this.#at(path), { recursive: true, dereference: true, filter: isPart })
  }

  write(path: string, text: string): void {
    writeFileSync(this.#at(path), text)
  }

  #at(path: string): string {
    const target = join(this.folder, path)
    mkdirSync(dirname(target), { recursive: true })
    return target
  }
}

/** Copies Node, which has the time zones and certificates in it, and its libraries. Returns what they are. */
function copyRuntime(tree: Tree, architecture: Architecture, work: string): Component[] {
  const { npm, debian } = MACHINES[architecture]
  const node = runtimePackage(`node-linux-${npm}`, work)
  const program = join(node, 'bin', 'node')
  tree.copy(program, NODE)
  tree.copy(join(node, 'LICENSE'), '/usr/share/doc/node/LICENSE')
  const { loader, libraries } = neededLibraries(program, debian)
  for (const { name, path } of libraries)
    tree.copy(path, name === basename(loader) ? loader : `/lib/${debian}/${name}`)
  const packages = [...new Set(libraries.map(({ owner }) => owner))].sort()
  for (const name of packages) tree.copy(copyrightFile(name), copyrightFile(name))
  return [component(identifyPackage(node)), ...packages.map(debianComponent)]
}

/** Copies the server and koffi. Returns what they contain, but not what they run on. */
function copyProgram(tree: Tree, architecture: Architecture, work: string): Component[] {
  const dist = join(work, 'dist')
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), dist], { stdio: 'inherit' })
  tree.copy(dist, `${PROGRAM}/dist`, path => basename(path) !== SBOM)
  tree.copy(join(root, 'LICENSE'), `${PROGRAM}/LICENSE`)
  const native = `@koromix/koffi-linux-${MACHINES[architecture].npm}`
  const packages = ['koffi', native].map(name => ({ name, folder: runtimePackage(name, work) }))
  for (const { name, folder } of packages) {
    for (const path of koffiFiles(folder))
      tree.copy(join(folder, path), `${PROGRAM}/node_modules/${name}/${path}`)
  }
  tree.copy(join(root, 'node_modules', 'koffi', 'LICENSE.txt'), '/usr/share/doc/koffi/LICENSE')
  for (const [path, text] of Object.entries(ACCOUNTS)) tree.write(path, text)
  const { components } = readJson<{ components: Component[] }>(join(dist, SBOM))
  return [...components, ...packages.map(({ folder }) => component(identifyPackage(folder)))]
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

async function buildImage(architecture: Architecture, output: string, work: string): Promise<string> {
  const manifest = readJson<Manifest>(join(root, 'package.json'))
  const tree = (name: string) => new Tree(join(work, name))
  const [runtime, program, data, temporary] = [tree('runtime'), tree('program'), tree('data'), tree('tmp')]
  const components = [
    ...copyRuntime(runtime, architecture, work),
    ...copyProgram(program, architecture, work),
  ]
  program.write(`${PROGRAM}/${SBOM}`, sbom(components))
  mkdirSync(join(data.folder, DATA))
  mkdirSync(join(temporary.folder, 'tmp'))
  const layers: Layer[] = [
    { comment: 'Node and its libraries', content: [{ folder: runtime.folder }] },
    {
      comment: 'moonraker-ts',
      content: [
        { folder: program.folder },
        { folder: data.folder, owner: USER },
        { folder: temporary.folder, mode: '1777' },
      ],
    },
  ]
  const name = `${manifest.name}:${manifest.version}`
  const config = containerConfig(manifest)
  mkdirSync(dirname(output), { recursive: true })
  const image = { name, architecture, config, layers, time: sourceDate() }
  return writeImage(output, image, join(work, 'archive'))
}

function readArguments(): { architecture: Architecture; output: string } {
  const { values } = parseArgs({ options: { arch: { type: 'string' }, output: { type: 'string' } } })
  const architecture = values.arch ?? (process.arch === 'x64' ? 'amd64' : process.arch)
  if (!Object.hasOwn(MACHINES, architecture)) {
    console.error(`--arch ${architecture}: ${Object.keys(MACHINES).join(' or ')} are known`)
    process.exit(1)
  }
  const output = values.output ?? join(root, 'release', `moonraker-ts-image-${architecture}.tar`)
  return { architecture: architecture as Architecture, output: resolve(output) }
}

const { architecture, output } = readArguments()
const work = mkdtempSync(join(tmpdir(), 'image-'))
try {
  const digest = await buildImage(architecture, output, work)
  console.log(`${output}: ${digest}`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
