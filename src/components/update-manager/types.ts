// The types of [update_manager NAME].
import { executableOptions, webOptions, zipOptions } from './archive/options.ts'
import { gitOptions } from './git/options.ts'
import { pythonOptions } from './python/options.ts'
import { type UpdaterType, updaterType } from './updater.ts'

/** The types by the value of the option `type`. */
export const updaterTypes: Readonly<Record<string, UpdaterType>> = {
  executable: updaterType(executableOptions, () => import('./archive/executable.ts')),
  git_repo: updaterType(gitOptions, () => import('./git/index.ts')),
  python: updaterType(pythonOptions, () => import('./python/index.ts')),
  web: updaterType(webOptions, () => import('./archive/web.ts')),
  zip: updaterType(zipOptions, () => import('./archive/zip-application.ts')),
}
