// The credentials of hubs: a file next to the keys of the engine.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fmtCreds } from '@nats-io/jwt'
import { createUser } from '@nats-io/nkeys'
import { replaceFile } from '../../../config/atomic-file.ts'
import type { EngineKeys } from './keys.ts'
import { hubToken } from './tokens.ts'

const FILE = 'hub.creds'

/**
 * The file with the credentials of hubs, which is created at the first start. Another hub uses a copy of it with --creds.
 */
export async function ensureHubCredentials(folder: string, { account }: EngineKeys): Promise<string> {
  const file = join(folder, FILE)
  if (existsSync(file)) return file
  const user = createUser()
  const text = new TextDecoder().decode(fmtCreds(await hubToken(user, account), user))
  replaceFile(file, text, 0o600)
  return file
}
