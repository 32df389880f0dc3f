// Who may use the server, for the transports and other components.
import { service } from '../../component/service.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import type { Directory } from './user-service.ts'

/** The rules of access. */
export const accessPolicy = service<AccessPolicy>('access_policy')

/** Users outside of the database. */
export const userDirectory = service<Directory>('user_directory')
