// The types of [update_manager NAME].
import { webOptions } from './archive/options.ts'
import { type UpdaterType, updaterType } from './updater.ts'

/** The types by the value of the option `type`. */
export const updaterTypes: Readonly<Record<string, UpdaterType>> = {
  web: updaterType(webOptions, () => import('./archive/web.ts')),
}
