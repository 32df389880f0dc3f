// The entry moonraker: this server, however it was installed.
import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readInstalledPackage } from '../../../core/installed-package.ts'
import { RELEASE_INFO } from '../archive/install-info.ts'
import type { Git } from '../git/git.ts'
import type { Updater } from '../updater.ts'
import type { OwnReleaseParts } from './own-release.ts'

/** The program in the folder of an installation. */
const PROGRAM = 'dist/moonraker.cjs'

/** The entry; null where the server is neither from a package nor a git repository nor the installation of a release. */
export async function openOwnServer(parts: OwnReleaseParts & { readonly git: Git }): Promise<Updater | null> {
  const installed = readInstalledPackage()
  if (installed !== null) {
    const { OwnPackage } = await import('./own-package.ts')
    return new OwnPackage(installed, parts.core.debug)
  }
  const program = await realpath(process.argv[1] ?? '').catch(() => '')
  if (!program.endsWith(`/${PROGRAM}`)) return null
  const path = dirname(dirname(program))
  if (existsSync(join(path, '.git'))) return openCheckout(path, parts)
  if (!existsSync(join(path, RELEASE_INFO))) return null
  const { openOwnRelease } = await import('./own-release.ts')
  return openOwnRelease(path, parts)
}

async function openCheckout(
  path: string,
  parts: OwnReleaseParts & { readonly git: Git },
): Promise<Updater | null> {
  const [{ openOwnCheckout }, { confirmStart, prepareTrial, startGuard }] = await Promise.all([
    import('./own-checkout.ts'),
    import('./guard-starter.ts'),
  ])
  return openOwnCheckout(path, {
    ...parts,
    guard: {
      prepare: (folder, change) => prepareTrial(parts, folder, change),
      start: folder => startGuard(parts, folder),
      confirm: folder => confirmStart(parts, folder),
    },
  })
}
