// Which role a caller needs to write to a root: admin for the configuration, operator for everything else.
import type { Caller } from '../../../rpc/caller.ts'
import { demandRole } from '../../../rpc/user.ts'
import { normalPath } from './roots.ts'

/** Throws ApiError 403 where `caller` may not write to one of the paths, which start with their roots' names. */
export function demandWriteRole(caller: Pick<Caller, 'user'>, ...paths: readonly string[]): void {
  const writesConfig = paths.some(path => normalPath(path).split('/')[0]?.toLowerCase() === 'config')
  demandRole(caller, writesConfig ? 'admin' : 'operator')
}
