// The types of [update_manager NAME].
import { webOptions } from './archive/options.ts'
import { gitOptions } from './git/options.ts'
import { type UpdaterType, updaterType } from './updater.ts'

/** The types by the value of the option `type`. */
export const updaterTypes: Readonly<Record<string, UpdaterType>> = {
  git_repo: updaterType(gitOptions, () => import('./git/index.ts')),
  web: updaterType(webOptions, () => import('./archive/web.ts')),
}
