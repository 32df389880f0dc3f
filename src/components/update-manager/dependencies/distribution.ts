// Which distribution of Linux this is, for lists of packages that differ by distribution.
import { readOsRelease } from '../../../core/os-release.ts'
import { SystemFiles } from '../../../core/system-files.ts'

/** The distribution. */
export interface Distribution {
  /** `debian`; '' where it is not known. */
  readonly id: string
  /** `12`; '' where it is not known. */
  readonly version: string
  /** Distributions that it is derived from. */
  readonly likes: readonly string[]
  /** `raspberry-pi` on such a computer; '' elsewhere. */
  readonly vendor: string
}

/** Reads it from the system; nothing is known where the files are missing. */
export async function readDistribution(): Promise<Distribution> {
  const files = new SystemFiles('')
  const { ID = '', VERSION_ID = '', ID_LIKE = '' } = await readOsRelease(files)
  const model = await files.text('/proc/device-tree/model')
  return {
    id: ID.toLowerCase(),
    version: VERSION_ID,
    likes: ID_LIKE.toLowerCase()
      .split(/\s+/)
      .filter(name => name !== ''),
    vendor: model?.startsWith('Raspberry Pi') === true ? 'raspberry-pi' : '',
  }
}
