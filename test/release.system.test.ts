// The files of a release: archives that do not depend on the machine, and what the command refuses.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { copyBundle } from './support/server-bundle.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const script = (name: string) => join(ROOT, 'scripts', name)
const FOLDER = mkdtempSync(join(tmpdir(), 'release-'))
/** Seconds since the epoch. */
const TIME = 1_790_000_000

after(() => rmSync(FOLDER, { recursive: true, force: true }))

test('archives of one build are equal, whatever the time, the time zone and the permissions', async () => {
  const source = join(FOLDER, 'source')
  await copyBundle(join(source, 'dist'))
  for (const name of ['package.json', 'LICENSE', 'README.md', 'packaging']) {
    cpSync(join(ROOT, name), join(source, name), { recursive: true })
  }
  const build = (file: string, TZ: string) => {
    const env = { ...process.env, TZ, SOURCE_DATE_EPOCH: String(TIME) }
    execFileSync(process.execPath, [script('release-archive.ts'), 'me/my', 'v1.2.3', file, source], { env })
    return readFileSync(file)
  }
  const names = ['moonraker-ts.zip', 'moonraker-ts.tar.gz'].map(name => join(FOLDER, name))
  const first = names.map(name => build(name, 'UTC'))
  utimesSync(join(source, 'LICENSE'), 1e9, 1e9)
  chmodSync(join(source, 'LICENSE'), 0o600)
  const second = names.map(name => build(name, 'Asia/Tokyo'))
  for (const [index, content] of first.entries()) assert.ok(content.equals(second[index]!), names[index])

  const target = join(FOLDER, 'target')
  execFileSync('mkdir', [target])
  execFileSync('tar', ['-xzf', names[1]!, '-C', target, '--strip-components=1'])
  assert.equal(statSync(join(target, 'LICENSE')).mtimeMs, TIME * 1000)
  assert.deepEqual(JSON.parse(readFileSync(join(target, 'release_info.json'), 'utf8')), {
    project_name: 'my',
    project_owner: 'me',
    version: 'v1.2.3',
    asset_name: 'moonraker-ts.zip',
  })
  const { stdout } = spawnSync(process.execPath, [join(target, 'dist', 'moonraker.cjs'), '--version'])
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  assert.match(String(stdout), new RegExp(`^moonraker-ts ${version.replaceAll('.', '\\.')} `))
})

test('a release needs the repository in which it is published, and known artefacts', () => {
  const release = (...args: string[]) =>
    spawnSync(process.execPath, [script('release.ts'), ...args], { encoding: 'utf8' })
  assert.match(release().stderr, /usage: npm run release -- --repository OWNER\/NAME/)
  const { status, stderr } = release('--repository', 'me/my', '--without', 'zip,cake')
  assert.equal(status, 1)
  assert.match(stderr, /--without cake: zip, tar, .* are known/)
})
