// Installs the packages of the project if they are missing or older than the lock file. Runs before the
// commands that users and maintainers run in a fresh clone: start, test, build, release.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const lock = join(root, 'package-lock.json')
const installed = join(root, 'node_modules', '.package-lock.json')

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.log('installing what the project needs…')
  const npm = process.env.npm_execpath
  // Not `npm ci`: it fails if a registry lacks the optional tools of other systems.
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } =
    npm === undefined
      ? spawnSync('npm', args, { cwd: root, stdio: 'inherit' })
      : spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
  if (error !== undefined) console.error(`npm cannot be run: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
