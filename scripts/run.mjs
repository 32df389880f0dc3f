// Bundles the server if a source is newer than the bundle, and runs it in this process.
import { existsSync, globSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = join(root, 'dist', 'moonraker.cjs')

function isStale() {
  if (!existsSync(output)) return true
  const built = statSync(output).mtimeMs
  const patterns = [
    'src/**/*.ts',
    'src/**/*.{html,css,js}',
    'docs/**/*.{md,webp}',
    '*.md',
    'scripts/docs-site/*.mjs',
  ]
  const sources = [
    ...globSync(patterns, { cwd: root }),
    'package-lock.json',
    'scripts/build.mjs',
    'scripts/pages.mjs',
    'scripts/docs-site.mjs',
    'scripts/loader.cjs',
  ]
  return sources.some(file => statSync(join(root, file)).mtimeMs > built)
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 16)) {
  console.error(`Node ${process.versions.node} is too old: 22.16 or later is needed`)
  process.exit(1)
}

if (isStale()) {
  const { bundle } = await import('./build.mjs')
  await bundle()
}

const given = process.argv.slice(2)
const names = ['-d', '--datapath']
const hasFolder = given.some(arg => names.includes(arg) || arg.startsWith('--datapath=') || /^-d./.test(arg))
const isFleet = given[0] === 'fleet'
const isGiven = hasFolder || (!isFleet && process.env.MOONRAKER_DATA_PATH)
const folder = isGiven ? [] : ['-d', join(root, isFleet ? 'fleet_data' : 'printer_data')]
const args = isFleet ? [...given, ...folder] : [...folder, ...given]
process.argv = [process.execPath, output, ...args]
createRequire(import.meta.url)(output)
