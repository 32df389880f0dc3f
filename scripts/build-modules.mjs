// Compiles what other programs import: the client, the contract and the virtual printer, as JavaScript with types. Node
// runs no TypeScript from node_modules. `node scripts/build-modules.mjs [FOLDER]`, by default dist/modules.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = process.argv[2] ?? join(root, 'dist', 'modules')
const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
)

// Modules that have another name by now.
rmSync(output, { recursive: true, force: true })
execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.package.json'), '--outDir', output], {
  stdio: 'inherit',
})
