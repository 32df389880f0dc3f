// Writes the files of a release, with their checksums: `npm run release -- --repository OWNER/NAME`. The version is that of
// package.json, the time of all files that of the last commit: two runs of one commit write the same files.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { releaseNotes } from './release-notes.ts'
import { sourceDate } from './source-date.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SUMS = 'SHA256SUMS'

interface Release {
  readonly version: string
  /** OWNER/NAME */
  readonly repository: string
  readonly output: string
  /** The repository for KIAUH; null for a new one. */
  readonly kiauh: string | null
  readonly isDraft: boolean
}

/** What a release consists of: the programs that write it, and how. */
interface Artefact {
  readonly programs: readonly string[]
  readonly write: (release: Release) => void
}

const ARTEFACTS: Readonly<Record<string, Artefact>> = {
  zip: { programs: [], write: release => archive(release, 'moonraker-ts.zip') },
  tar: { programs: ['tar'], write: release => archive(release, `moonraker-ts-${release.version}.tar.gz`) },
  kiauh: { programs: ['git'], write: writeKiauh },
  deb: { programs: ['dpkg-deb'], write: ({ output }) => node('build-deb.ts', '--output', output) },
  'image-amd64': { programs: ['readelf', 'tar'], write: release => image(release, 'amd64') },
  'image-arm64': { programs: ['readelf', 'tar'], write: release => image(release, 'arm64') },
  // The last one: the server does not need the modules that it adds to dist.
  npm: { programs: ['npm'], write: writeNpm },
}

const HELP = `usage: npm run release -- --repository OWNER/NAME [options]

  --repository OWNER/NAME  where the release is published: installed servers look for updates there
  --output FOLDER          default release; a release in it is replaced
  --without NAME,…         leave artefacts out: ${Object.keys(ARTEFACTS).join(', ')}
  --kiauh FOLDER           the published repository for KIAUH; gets a commit and a tag (default: a new one)
  --draft                  accept a changelog without the day of the release, to try it
`

const { release, artefacts } = readArguments()
// Everything that follows runs in the same time.
process.env.SOURCE_DATE_EPOCH = String(sourceDate())
checkState(release)
checkPrograms(artefacts)
clear(release.output)
rmSync(join(ROOT, 'dist'), { recursive: true, force: true })
node('build.mjs')
for (const name of artefacts) {
  console.log(`writing ${name}`)
  ARTEFACTS[name]?.write(release)
}
writeSums(release.output)
process.stdout.write(readFileSync(join(release.output, SUMS), 'utf8'))

function readArguments(): { release: Release; artefacts: string[] } {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string' },
      output: { type: 'string', default: join(ROOT, 'release') },
      without: { type: 'string', default: '' },
      kiauh: { type: 'string' },
      draft: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const { repository = '', output, kiauh = null, draft: isDraft } = values
  if (values.help) {
    console.log(HELP)
    process.exit()
  }
  const without = values.without.split(',').filter(name => name !== '')
  const unknown = without.filter(name => ARTEFACTS[name] === undefined)
  if (unknown.length > 0) fail(`--without ${unknown.join()}: ${Object.keys(ARTEFACTS).join(', ')} are known`)
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) fail(HELP)
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  const artefacts = Object.keys(ARTEFACTS).filter(name => !without.includes(name))
  return { release: { version, repository, output, kiauh, isDraft }, artefacts }
}

function fail(text: string): never {
  console.error(text)
  process.exit(1)
}

/** A release is that of a commit, and users learn from the changelog what it brings. */
function checkState({ version, isDraft }: Release): void {
  if (git('status', '--porcelain') !== '')
    fail('there are changes without a commit: a release is that of a commit')
  try {
    releaseNotes(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), version, isDraft)
  } catch (error) {
    fail((error as Error).message)
  }
}

function checkPrograms(artefacts: readonly string[]): void {
  const folders = (process.env.PATH ?? '').split(':')
  for (const name of artefacts) {
    const missing = ARTEFACTS[name]?.programs.filter(
      program => !folders.some(folder => existsSync(join(folder, program))),
    )
    if (missing?.length) fail(`${missing.join(' and ')} is not installed: without it, add --without ${name}`)
  }
}

/** Makes an empty folder, in the place of another release only. */
function clear(output: string): void {
  mkdirSync(output, { recursive: true })
  if (readdirSync(output).length > 0 && !existsSync(join(output, SUMS)))
    fail(`${output} contains other files than those of a release: remove them, or give another --output`)
  rmSync(output, { recursive: true })
  mkdirSync(output)
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
}

/** Runs a program without its output. Its errors are shown. */
function runQuietly(program: string, ...args: string[]): void {
  execFileSync(program, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
}

function node(script: string, ...args: string[]): void {
  run(process.execPath, join(ROOT, 'scripts', script), ...args)
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trimEnd()
}

function archive({ repository, version, output }: Release, file: string): void {
  node('release-archive.ts', repository, `v${version}`, join(output, file))
}

function image({ version, output }: Release, architecture: string): void {
  const file = join(output, `moonraker-ts-${version}-image-${architecture}.tar`)
  node('build-image.ts', '--arch', architecture, '--output', file)
}

function writeNpm({ output }: Release): void {
  node('build-modules.mjs')
  run('npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', output)
}

/** The repository with its history and tags, as one file that git clones. */
function writeKiauh({ output, kiauh }: Release): void {
  const temporary = mkdtempSync(join(tmpdir(), 'release-kiauh-'))
  const folder = kiauh ?? join(temporary, 'repository')
  try {
    const args = [join(ROOT, 'scripts', 'build-kiauh.ts'), folder, join(ROOT, 'dist')]
    // It reports the folder, which is of interest only where it stays.
    if (kiauh === null) runQuietly(process.execPath, ...args)
    else run(process.execPath, ...args)
    const bundle = join(output, 'moonraker-ts-kiauh.bundle')
    // Threads would divide the work differently in each run.
    run(
      'git',
      '-C',
      folder,
      '-c',
      'pack.threads=1',
      'bundle',
      'create',
      '--quiet',
      bundle,
      'HEAD',
      'main',
      '--tags',
    )
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

/** As sha256sum prints and checks them. */
function writeSums(output: string): void {
  const lines = readdirSync(output)
    .sort()
    .map(name => {
      const digest = createHash('sha256')
        .update(readFileSync(join(output, name)))
        .digest('hex')
      return `${digest}  ${name}\n`
    })
  writeFileSync(join(output, SUMS), lines.join(''))
}
