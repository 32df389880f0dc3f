// Runs the tests: all of them, or the files named on the command line.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const given = process.argv.slice(2)
const files = given.length > 0 ? given : globSync('test/**/*.test.ts', { cwd: root }).sort()
const { status } = spawnSync(process.execPath, ['--test', ...files], { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)
