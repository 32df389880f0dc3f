// Packs a build of the server: `node scripts/release-archive.ts OWNER/NAME TAG FILE [FOLDER]`. A FILE.zip is what servers
// install as an update, a FILE.tar.gz is for people. FOLDER contains the build in dist. SOURCE_DATE_EPOCH is the time of the
// files; the same content makes the same archive.
import { execFileSync } from 'node:child_process'
import { cpSync, createWriteStream, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { ZipFile } from 'yazl'

const CONTENT = ['dist', 'packaging/polkit', 'packaging/systemd', 'package.json', 'LICENSE', 'README.md']
/** Compiled code of one machine. */
const LEFT_OUT = 'cache'
/** Bytes of a tar. */
const MAX_TAR = 256 * 1024 ** 2

const [repository = '', tag = '', file = '', source = fileURLToPath(new URL('..', import.meta.url))] =
  process.argv.slice(2)
const [owner, name] = repository.split('/')
if (!owner || !name || tag === '' || !/\.(zip|tar\.gz)$/.test(file)) {
  console.error('usage: node scripts/release-archive.ts OWNER/NAME TAG FILE.zip|FILE.tar.gz [FOLDER]')
  process.exit(1)
}
if (!existsSync(join(source, 'dist', 'moonraker.cjs'))) {
  console.error(`no build in ${source}: run npm run build`)
  process.exit(1)
}
const time = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000)
// zip has local times.
process.env.TZ = 'UTC'

const temporary = mkdtempSync(join(tmpdir(), 'release-archive-'))
try {
  const folder = join(temporary, `moonraker-ts-${tag.replace(/^v/, '')}`)
  copyContent(folder)
  if (file.endsWith('.zip')) await pipeline(zip(folder), createWriteStream(file))
  else writeFileSync(file, gzipSync(tar(folder), { level: 9 }))
} finally {
  rmSync(temporary, { recursive: true })
}

function copyContent(folder: string): void {
  for (const path of CONTENT.filter(each => existsSync(join(source, each)))) {
    cpSync(join(source, path), join(folder, path), {
      recursive: true,
      filter: each => basename(each) !== LEFT_OUT,
    })
  }
  const info = { project_name: name, project_owner: owner, version: tag, asset_name: 'moonraker-ts.zip' }
  writeFileSync(join(folder, 'release_info.json'), `${JSON.stringify(info)}\n`)
}

function zip(folder: string): NodeJS.ReadableStream {
  const archive = new ZipFile()
  const entries = globSync('**', { cwd: folder, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
  for (const path of paths.sort()) archive.addFile(join(folder, path), path, { mtime: time, mode: 0o100644 })
  archive.end()
  return archive.outputStream
}

/** By GNU tar, with nothing in it that depends on the machine. */
function tar(folder: string): Buffer {
  const fixed = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX']
  const options = ['--format=ustar', `--mtime=@${Math.floor(time.getTime() / 1000)}`]
  const from = ['--directory', join(folder, '..'), basename(folder)]
  return execFileSync('tar', ['--create', ...fixed, ...options, ...from], { maxBuffer: MAX_TAR })
}
