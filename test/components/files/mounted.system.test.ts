// Roots on mounted and read-only file systems, and with few watches: each test in namespaces of its own.
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namespacesMissing, runInNamespaces } from '../../support/namespace.ts'
import { serverBundle } from '../../support/server-bundle.ts'

const MODULE = fileURLToPath(new URL('mounted.ts', import.meta.url))

const missing = namespacesMissing()
const TESTS: Readonly<Record<string, string>> = {
  'bound-file': 'a file that is mounted by itself is overwritten completely or not at all',
  'bound-file-killed': 'a server that is killed while it overwrites a file leaves a complete file',
  interrupted: 'the next start restores a file whose overwriting was interrupted',
  'read-only': 'the server starts with read-only folders, warns, and writes when it can',
  'few-watches': 'folders beyond the limit of watches are polled, with a warning',
  'no-watches': 'without any watch all folders are polled, with a warning',
}

for (const [name, title] of Object.entries(TESTS)) {
  test(title, { skip: missing }, async () => {
    // Built before: a build takes a part of the time that the programs in namespaces have.
    await serverBundle()
    await runInNamespaces(MODULE, name)
  })
}
