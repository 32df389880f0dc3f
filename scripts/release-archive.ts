// Packs a build of the server into the archive of a release, which servers install as an update:
// `node scripts/release-archive.ts OWNER/NAME TAG FILE.zip [FOLDER]`. FOLDER contains the build in dist.
import { createWriteStream, existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { ZipFile } from 'yazl'

const CONTENT = ['dist', 'packaging', 'package.json', 'LICENSE', 'README.md']
/** Compiled code of one machine. */
const LEFT_OUT = 'cache'

/** The files of `name`, relative to the folder. */
function filesOf(folder: string, name: string): string[] {
  const path = join(folder, name)
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return [name]
  const children = readdirSync(path).filter(child => child !== LEFT_OUT)
  return children.flatMap(child => filesOf(folder, join(name, child)))
}

const [repository = '', tag = '', file = '', folder = fileURLToPath(new URL('..', import.meta.url))] =
  process.argv.slice(2)
const [owner, name] = repository.split('/')
if (!owner || !name || tag === '' || file === '') {
  console.error('usage: node scripts/release-archive.ts OWNER/NAME TAG FILE.zip [FOLDER]')
  process.exit(1)
}
if (!existsSync(join(folder, 'dist', 'moonraker.cjs'))) {
  console.error(`no build in ${folder}: run npm run build`)
  process.exit(1)
}
const zip = new ZipFile()
for (const path of CONTENT.flatMap(each => filesOf(folder, each))) zip.addFile(join(folder, path), path)
const info = { project_name: name, project_owner: owner, version: tag, asset_name: 'moonraker-ts.zip' }
zip.addBuffer(Buffer.from(`${JSON.stringify(info)}\n`), 'release_info.json')
zip.end()
await pipeline(zip.outputStream, createWriteStream(file))
