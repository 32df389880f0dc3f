// The entry moonraker: this server, however it was installed.
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Git } from '../git/git.ts'
import type { Updater } from '../updater.ts'
import { reportGuard, startGuard } from './guard-starter.ts'
import { type OwnReleaseParts, openOwnRelease } from './own-release.ts'

/** The program in the folder of an installation. */
const PROGRAM = 'dist/moonraker.cjs'

/** The entry; null where the server is neither a git repository nor the installation of a release. */
export async function openOwnServer(parts: OwnReleaseParts & { readonly git: Git }): Promise<Updater | null> {
  const program = await realpath(process.argv[1] ?? '').catch(() => '')
  if (!program.endsWith(`/${PROGRAM}`)) return null
  const path = dirname(dirname(program))
  const { openOwnCheckout } = await import('./own-checkout.ts')
  const checkout = await openOwnCheckout(path, {
    ...parts,
    beforeRestart: build => startGuard(parts, build),
    afterRestart: build => reportGuard(parts, build),
  })
  return checkout ?? openOwnRelease(path, parts)
}
