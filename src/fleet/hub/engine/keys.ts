// The keys of the fleet's engine: operator, accounts and the key that signs the credentials of printers.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAccount, createOperator, type KeyPair } from '@nats-io/nkeys'
import { replaceFile } from '../../../config/atomic-file.ts'
import { messageOf, StartError } from '../../../core/errors.ts'
import { makeFoldersSync } from '../../../core/make-folders.ts'
import { keyPairOf } from './key-pair.ts'

/** The keys of an engine that this hub runs. */
export interface EngineKeys {
  readonly operator: KeyPair
  /** The account of hubs and printers, FLEET. */
  readonly account: KeyPair
  /** The account without which the engine's storage does not start, SYS. */
  readonly system: KeyPair
  /** Signs the credentials of printers, whose permissions are in the account. */
  readonly printerSigner: KeyPair
}

const FILE = 'keys.json'

const CREATE: Readonly<Record<keyof EngineKeys, () => KeyPair>> = {
  operator: createOperator,
  account: createAccount,
  system: createAccount,
  printerSigner: createAccount,
}

/** The keys in `folder`, which are created at the first start. Throws StartError for a file that cannot be read or written. */
export function ensureKeys(folder: string): EngineKeys {
  const file = join(folder, FILE)
  try {
    makeFoldersSync(folder, 0o700)
    if (!existsSync(file)) createKeys(file)
    const seeds = JSON.parse(readFileSync(file, 'utf8')) as Record<keyof EngineKeys, string>
    return mapKeys(name => keyPairOf(seeds[name]))
  } catch (error) {
    throw new StartError(
      `the keys of the fleet cannot be used: ${messageOf(error)}; ${file} must be the file of an earlier start, or ` +
        'must not exist, and this user needs the right to read and write it',
    )
  }
}

function createKeys(file: string): void {
  const seeds = mapKeys(name => new TextDecoder().decode(CREATE[name]().getSeed()))
  replaceFile(file, `${JSON.stringify(seeds, null, 2)}\n`, 0o600)
}

function mapKeys<T>(make: (name: keyof EngineKeys) => T): Record<keyof EngineKeys, T> {
  return {
    operator: make('operator'),
    account: make('account'),
    system: make('system'),
    printerSigner: make('printerSigner'),
  }
}
