// Roots on mounted, read-only and remote file systems, and with few watches: each test in namespaces of its own.
import { accessSync, constants } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namespacesMissing, runInNamespaces } from '../../support/namespace.ts'
import { serverBundle } from '../../support/server-bundle.ts'

const MODULE = fileURLToPath(new URL('mounted.ts', import.meta.url))

function fuseMissing(): string | false {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
    return false
  } catch {
    return '/dev/fuse cannot be used'
  }
}

const missing = namespacesMissing()
const NETWORK_DISKS = new Set(['remote-folder', 'silent-disk', 'silent-root'])

const TESTS: Readonly<Record<string, string>> = {
  'bound-file': 'a file that is mounted by itself is overwritten completely or not at all',
  'bound-file-killed': 'a server that is killed while it overwrites a file leaves a complete file',
  interrupted: 'the next start restores a file whose overwriting was interrupted',
  'read-only': 'the server starts with read-only folders, warns, and writes when it can',
  'remote-folder': 'changes on a network file system are noticed by polling',
  'silent-disk': 'a network disk that does not respond holds one thread, and fails requests for it only',
  'silent-root': 'a root on a network disk that does not respond has a warning, until the disk responds',
  'few-watches': 'folders beyond the limit of watches are polled, with a warning',
  'no-watches': 'without any watch all folders are polled, with a warning',
}

for (const [name, title] of Object.entries(TESTS)) {
  const skip = missing || (NETWORK_DISKS.has(name) && fuseMissing())
  test(title, { skip }, async () => {
    // Built before: a build takes a part of the time that the programs in namespaces have.
    await serverBundle()
    await runInNamespaces(MODULE, name)
  })
}
