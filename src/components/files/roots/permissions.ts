// Who may write where: configuration is written by admins only, everything else by operators.
import type { Caller } from '../../../rpc/caller.ts'
import { demandRole } from '../../../rpc/user.ts'
import { normalPath } from './roots.ts'

/** Throws ApiError 403 where `caller` may not write to one of the paths, which begin with their roots' names. */
export function demandWriting(caller: Pick<Caller, 'user'>, ...paths: readonly string[]): void {
  const writesConfig = paths.some(path => normalPath(path).split('/')[0]?.toLowerCase() === 'config')
  demandRole(caller, writesConfig ? 'admin' : 'operator')
}
