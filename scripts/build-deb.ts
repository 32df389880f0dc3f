// Builds the Debian packages: `npm run build:deb -- [--output FOLDER] [--arch amd64|arm64] [--compression xz]`, by default
// for all processors into the folder release. Needs dpkg-deb. Two builds of a commit have equal bytes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Architecture, buildNodePackage, PROCESSORS } from './deb/node-package.ts'
import { buildServerPackage } from './deb/server-package.ts'
import { type BuildOptions, ROOT } from './deb/shared.ts'
import { sourceDate } from './source-date.ts'

function readArguments(): { options: BuildOptions; architectures: Architecture[] } {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: join(ROOT, 'release') },
      arch: { type: 'string' },
      compression: { type: 'string', default: 'xz' },
    },
  })
  const { output, arch, compression } = values
  const known = Object.keys(PROCESSORS) as Architecture[]
  const architectures = known.filter(name => arch === undefined || name === arch)
  if (architectures.length === 0) {
    console.error(`--arch ${arch}: ${known.join(' or ')} are known`)
    process.exit(1)
  }
  return { options: { output: resolve(output), time: sourceDate(), compression }, architectures }
}

const { options, architectures } = readArguments()
const work = mkdtempSync(join(tmpdir(), 'build-deb-'))
try {
  console.log(buildServerPackage(options, work))
  for (const architecture of architectures) console.log(buildNodePackage(architecture, options, work))
} finally {
  rmSync(work, { recursive: true, force: true })
}
