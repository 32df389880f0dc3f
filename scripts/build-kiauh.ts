// Writes the repository that KIAUH installs like that of Moonraker: `node scripts/build-kiauh.ts FOLDER [BUILD]`. A folder
// that is such a repository gets a commit and a tag for the version in package.json. BUILD is a build of the server, by
// default a new one.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lockedPackage } from './runtime-package.ts'
import { sourceDate } from './source-date.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BRANCH = 'main'
/** Compiled code of one machine, what npm and Python add, and the guard of an update. */
const IGNORED = ['dist/cache/', 'node_modules/', '__pycache__/', '.dist.update/']

const [folder = '', build] = process.argv.slice(2)
if (folder === '') {
  console.error('usage: npm run build:kiauh -- FOLDER [BUILD]')
  process.exit(1)
}
const { name, version, description, license, engines } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as Record<string, unknown> & { readonly name: string; readonly version: string }
const tag = `v${version}`

const repository = openRepository()
writeTree()
repository('add', '--all')
if (repository('tag', '--list', tag) !== '') {
  if (repository('write-tree') !== repository('rev-parse', `${tag}^{tree}`)) {
    repository('reset', '--quiet', '--hard')
    console.error(`${tag} is in ${folder} with other files: a new version needs a new number in package.json`)
    process.exit(1)
  }
  console.log(`${tag} is in ${folder} already`)
} else {
  repository('commit', '--quiet', '--message', `moonraker-ts ${version}`)
  repository('tag', tag)
  console.log(`${tag} is in ${folder}, branch ${BRANCH}`)
}

/** Runs git in the folder, with the author and the time that make two runs equal. */
function openRepository(): (...args: string[]) => string {
  const date = `${sourceDate()} +0000`
  const identity = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: `${name}@localhost`,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: `${name}@localhost`,
    GIT_COMMITTER_DATE: date,
  }
  mkdirSync(folder, { recursive: true })
  const isNew = readdirSync(folder).length === 0
  if (!isNew && !existsSync(join(folder, '.git'))) {
    console.error(`${folder} is neither empty nor a git repository`)
    process.exit(1)
  }
  const run = (...args: string[]) => git(folder, identity, ...args)
  if (isNew) run('init', '--quiet', '--initial-branch', BRANCH)
  return run
}

function git(cwd: string, env: Readonly<Record<string, string>>, ...args: string[]): string {
  // Settings of the user must not change the commit.
  const settings = [
    '-c',
    'core.autocrlf=false',
    '-c',
    'commit.gpgSign=false',
    '-c',
    'core.hooksPath=/dev/null',
  ]
  return execFileSync('git', [...settings, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trimEnd()
}

function writeTree(): void {
  for (const entry of readdirSync(folder)) {
    if (entry !== '.git') rmSync(join(folder, entry), { recursive: true })
  }
  const dist = join(folder, 'dist')
  cpSync(join(ROOT, 'packaging', 'kiauh'), folder, { recursive: true })
  cpSync(join(ROOT, 'packaging', 'polkit'), join(folder, 'packaging', 'polkit'), { recursive: true })
  cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  if (build === undefined) {
    execFileSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), dist], { stdio: 'inherit' })
  } else cpSync(build, dist, { recursive: true, filter: path => basename(path) !== 'cache' })
  const manifest = { name, version, description, license, engines, private: true }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(join(folder, 'scripts', 'node-packages.json'), `${JSON.stringify(nodePackages(), null, 2)}\n`)
  writeFileSync(join(folder, '.gitignore'), `${IGNORED.join('\n')}\n`)
  writeFileSync(join(dist, 'SHA256SUMS'), checksums(dist))
}

/**
 * The registry that npm uses here, and Node with what it needs by machine as uname(1) names it; Node is the first one.
 * Versions and checksums are those of the lock file.
 */
function nodePackages(): object {
  const find = (name: string) => {
    const { version, integrity } = lockedPackage(name)
    return { name, version, integrity }
  }
  const packagesFor = (processor: string) =>
    [`node-linux-${processor}`, 'koffi', `@koromix/koffi-linux-${processor}`].map(find)
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { cwd: ROOT, encoding: 'utf8' }).trim()
  return { registry, machines: { aarch64: packagesFor('arm64'), x86_64: packagesFor('x64') } }
}

/** As sha256sum prints them. */
function checksums(dist: string): string {
  const files = globSync('**', { cwd: dist, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(dist.length + 1)).sort()
  const lines = paths.map(path => {
    const digest = createHash('sha256')
      .update(readFileSync(join(dist, path)))
      .digest('hex')
    return `${digest}  ${path}\n`
  })
  return lines.join('')
}
