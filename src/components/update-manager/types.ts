// The types of [update_manager NAME].
import type { UpdaterType } from './updater.ts'

/** The types by the value of the option `type`. */
export const updaterTypes: Readonly<Record<string, UpdaterType>> = {}
