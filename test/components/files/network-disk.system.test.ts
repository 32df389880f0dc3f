// Roots on network disks that respond, and that do not: each test in namespaces of its own.
import { accessSync, constants } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { namespacesMissing, runInNamespaces } from '../../support/namespace.ts'
import { serverBundle } from '../../support/server-bundle.ts'

const MODULE = fileURLToPath(new URL('network-disk.ts', import.meta.url))

function fuseMissing(): string | false {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
    return false
  } catch {
    return '/dev/fuse cannot be used'
  }
}

const skip = namespacesMissing() || fuseMissing()

const TESTS: Readonly<Record<string, string>> = {
  'remote-folder': 'changes on a network file system are noticed by polling',
  'silent-disk': 'a network disk that does not respond holds one thread, and fails requests for it only',
  'silent-root': 'a root on a network disk that does not respond has a warning, until the disk responds',
  'relinked-root': 'a root that becomes a link to a network disk that does not respond has a warning',
  'hung-calls':
    'calls that a network disk does not end leave threads for everything else, and end with the server',
}

for (const [name, title] of Object.entries(TESTS)) {
  test(title, { skip }, async () => {
    // Built before: a build takes a part of the time that the programs in namespaces have.
    await serverBundle()
    await runInNamespaces(MODULE, name)
  })
}
