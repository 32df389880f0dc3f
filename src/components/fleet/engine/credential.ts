// What a printer has of its fleet, in the folder `fleet` of its data folder: its key, its credential, the CA certificate.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { replaceFile } from '../../../config/atomic-file.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { makeFoldersSync } from '../../../core/make-folders.ts'
import { Invalid, object, string } from '../../../schema/index.ts'

/** Only the server's own user may read these files. */
const PRIVATE = 0o600

/** What a connection to the engine needs. */
export interface Credential {
  /** The instance id of the printer. */
  readonly id: string
  /** The private key; it never leaves this machine. */
  readonly seed: string
  readonly jwt: string
  /** PEM of the fleet's own CA certificate; null where the engine's certificate is of a public one, or without TLS. */
  readonly ca: string | null
  /** The id of the engine's data whose offers the printer accepts. */
  readonly epoch: string
}

const storedSchema = object({ jwt: string(), ca: string().nullable(), epoch: string() })

/** The files of the credential. */
export class CredentialFiles {
  readonly #folder: string

  /** `data` is the data folder. */
  constructor(data: string) {
    this.#folder = join(data, 'fleet')
  }

  get #seedFile(): string {
    return join(this.#folder, 'seed')
  }

  get #credentialFile(): string {
    return join(this.#folder, 'credential.json')
  }

  /** The private key; `create` makes the first one. Throws ApiError if it cannot be stored. */
  seed(create: () => string): string {
    try {
      return readFileSync(this.#seedFile, 'utf8').trim()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable('seed', error)
    }
    const seed = create()
    this.#write(this.#seedFile, seed)
    return seed
  }

  /** The credential of the printer `id`; null if it is in no fleet. Throws ApiError if a file cannot be read. */
  read(id: string): Credential | null {
    try {
      const seed = readFileSync(this.#seedFile, 'utf8').trim()
      return { id, seed, ...this.#stored() }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw unreadable('credential.json', error)
    }
  }

  #stored() {
    return storedSchema.read(JSON.parse(readFileSync(this.#credentialFile, 'utf8')), 'credential')
  }

  write({ jwt, ca, epoch }: Pick<Credential, 'jwt' | 'ca' | 'epoch'>): void {
    this.#write(this.#credentialFile, JSON.stringify({ jwt, ca, epoch }, null, 2))
  }

  /** Replaces the epoch. Throws ApiError. */
  writeEpoch(epoch: string): void {
    const stored = this.#stored()
    this.write({ ...stored, epoch })
  }

  /** Removes the credential. The key stays: the printer joins again with it. */
  remove(): void {
    rmSync(this.#credentialFile, { force: true })
  }

  #write(file: string, text: string): void {
    try {
      makeFoldersSync(this.#folder, 0o700)
      replaceFile(file, `${text}\n`, PRIVATE)
    } catch (error) {
      throw new ApiError(500, `The folder 'fleet' of the data folder cannot be written: ${codeOf(error)}`)
    }
  }
}

function unreadable(name: string, error: unknown): ApiError {
  return new ApiError(500, `The file fleet/${name} of the data folder cannot be read: ${codeOf(error)}`)
}

/** Without paths of the host. */
function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  return (
    code ?? (error instanceof Invalid || error instanceof SyntaxError ? messageOf(error) : 'unknown error')
  )
}
