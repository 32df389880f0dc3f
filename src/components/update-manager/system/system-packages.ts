// The package manager of this machine: PackageKit where it works, else apt.
import { findProgram } from '../../../core/find-program.ts'
import type { SystemBusAccess } from '../../machine/service.ts'
import type { Sudo } from '../../machine/services/sudo.ts'
import type { PackageProvider } from './provider.ts'

/** How the package manager is reached. */
export interface SystemPackagesParts {
  readonly sudo: Pick<Sudo, 'run'>
  readonly bus: SystemBusAccess
  /** Whether PackageKit may be used. */
  readonly usePackageKit: boolean
  /** Aborted when the server stops. */
  readonly signal: AbortSignal
}

/** Finds the package manager when it is first needed. */
export class SystemPackages {
  readonly #parts: SystemPackagesParts
  #provider: Promise<PackageProvider | null> | null = null

  constructor(parts: SystemPackagesParts) {
    this.#parts = parts
  }

  /** Null where this machine has none that the server can use. */
  provider(): Promise<PackageProvider | null> {
    this.#provider ??= this.#find()
    return this.#provider
  }

  async #find(): Promise<PackageProvider | null> {
    const { sudo, bus, usePackageKit, signal } = this.#parts
    if (usePackageKit) {
      const { PackageKit } = await import('./packagekit.ts')
      const packageKit = new PackageKit(bus)
      if (await packageKit.isUsable(signal)) return packageKit
    }
    if ((await findProgram('apt-get')) === null) return null
    const { Apt } = await import('./apt.ts')
    return new Apt(sudo)
  }
}
