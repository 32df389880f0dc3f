// PackageKit over D-Bus: the package manager of any distribution, without root access of the server.
import { messageOf } from '../../../core/errors.ts'
import { Scope } from '../../../core/scope.ts'
import type { SystemBusAccess } from '../../machine/service.ts'
import type { BusObject } from '../../machine/services/system-bus.ts'
import { PackageError, type PackageProvider, type PackageRun } from './provider.ts'

const NAME = 'org.freedesktop.PackageKit'
const CONTROL: BusObject = { destination: NAME, path: '/org/freedesktop/PackageKit', interface: NAME }
const BUS: BusObject = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
}
/** What polkit must grant; packaging/polkit grants the same. */
export const PACKAGEKIT_RIGHTS = [
  'org.freedesktop.packagekit.system-sources-refresh',
  'org.freedesktop.packagekit.system-update',
  'org.freedesktop.packagekit.package-install',
]

const READ_SECONDS = 120
const REFRESH_SECONDS = 600
const INSTALL_SECONDS = 3600
/** Bits of filters and flags: 1 << the number in PackageKit's enumerations. */
const NO_FILTER = 1 << 1
const NEWEST = 1 << 16
const THIS_ARCHITECTURE = 1 << 18
const ONLY_TRUSTED = 1 << 1
const PROPERTIES = 'org.freedesktop.DBus.Properties'
/** How a transaction ended. */
const SUCCESS = 1
/** What a signal about a package means. */
const INSTALLED = 1
const BLOCKED = 9
const ACTIONS: ReadonlyMap<number, string> = new Map([
  [10, 'Downloading'],
  [11, 'Updating'],
  [12, 'Installing'],
  [13, 'Removing'],
])

/** A package of a signal. */
interface Package {
  readonly info: number
  /** `name;version;architecture;repository` */
  readonly id: string
}

/** A method of a transaction. */
interface Work {
  readonly member: string
  readonly signature: string
  readonly body: readonly unknown[]
  readonly timeoutSeconds: number
}

export class PackageKit implements PackageProvider {
  readonly #bus: SystemBusAccess

  constructor(bus: SystemBusAccess) {
    this.#bus = bus
  }

  /** Whether PackageKit runs on this machine, or can be started, and polkit grants what is needed. */
  async isUsable(signal: AbortSignal): Promise<boolean> {
    const scope = new Scope()
    try {
      const bus = await this.#bus.connect(() => undefined, scope, signal)
      await bus.property(CONTROL, 'VersionMajor')
      return (await this.#bus.missingRights(bus, PACKAGEKIT_RIGHTS)).length === 0
    } catch {
      signal.throwIfAborted()
      return false
    } finally {
      scope.close()
    }
  }

  async refresh(run: PackageRun): Promise<void> {
    const work = { member: 'RefreshCache', signature: 'b', body: [false], timeoutSeconds: REFRESH_SECONDS }
    await this.#transact(work, run)
  }

  async upgradable(signal: AbortSignal): Promise<string[]> {
    return (await this.#updates({ signal, message: () => undefined })).map(nameOf)
  }

  #updates(run: PackageRun): Promise<Package[]> {
    const work = { member: 'GetUpdates', signature: 't', body: [NO_FILTER], timeoutSeconds: READ_SECONDS }
    return this.#transact(work, run).then(packages => packages.filter(({ info }) => info !== BLOCKED))
  }

  async upgrade(run: PackageRun): Promise<void> {
    const ids = (await this.#updates(run)).map(({ id }) => id)
    if (ids.length === 0) return
    const body = [ONLY_TRUSTED, ids]
    const work = { member: 'UpdatePackages', signature: 'tas', body, timeoutSeconds: INSTALL_SECONDS }
    await this.#transact(work, run)
  }

  async known(names: readonly string[], signal: AbortSignal): Promise<string[]> {
    const found = new Set((await this.#resolve(names, signal)).map(nameOf))
    return names.filter(name => found.has(name))
  }

  #resolve(names: readonly string[], signal: AbortSignal): Promise<Package[]> {
    const body = [NEWEST | THIS_ARCHITECTURE, [...names]]
    const work = { member: 'Resolve', signature: 'tas', body, timeoutSeconds: READ_SECONDS }
    return this.#transact(work, { signal, message: () => undefined })
  }

  async install(names: readonly string[], run: PackageRun): Promise<void> {
    const packages = await this.#resolve(names, run.signal)
    const ids = packages.filter(({ info }) => info !== INSTALLED).map(({ id }) => id)
    if (ids.length === 0) return
    const body = [ONLY_TRUSTED, ids]
    const work = { member: 'InstallPackages', signature: 'tas', body, timeoutSeconds: INSTALL_SECONDS }
    await this.#transact(work, run)
  }

  /** Runs a transaction; resolves with the packages that it named. */
  async #transact(work: Work, run: PackageRun): Promise<Package[]> {
    const { signal } = run
    const scope = new Scope()
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    ended.catch(() => undefined)
    const fail = (text: string) => reject(new PackageError(text))
    const timer = setTimeout(
      () => fail(`PackageKit did not end within ${work.timeoutSeconds} seconds`),
      work.timeoutSeconds * 1000,
    )
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    const packages: Package[] = []
    let problem = 'PackageKit reports a failure'
    const onPackage = (info: unknown, id: unknown) => {
      const each = { info: Number(info), id: String(id) }
      packages.push(each)
      const action = ACTIONS.get(each.info)
      if (action !== undefined) run.message(`${action} ${nameOf(each)} ${each.id.split(';')[1]}`)
    }
    try {
      const bus = await this.#bus.connect(
        reason => fail(`the system's D-Bus is gone: ${reason}`),
        scope,
        signal,
      )
      const path = String(await bus.call(CONTROL, 'CreateTransaction'))
      // PackageKit ends when it has nothing to do: this is the name of the one that runs now.
      const owner = String(await bus.call(BUS, 'GetNameOwner', 's', [NAME]))
      const transaction = { destination: owner, path, interface: `${NAME}.Transaction` }
      const listen = (member: string, received: (body: readonly unknown[]) => void) =>
        bus.listen(transaction, member, { scope, received })
      await listen('Package', ([info, id]) => onPackage(info, id))
      // Since version 1.2.7.
      await listen('Packages', ([list]) => {
        for (const [info, id] of (list ?? []) as readonly (readonly unknown[])[]) onPackage(info, id)
      })
      await bus.listen({ ...transaction, interface: PROPERTIES }, 'PropertiesChanged', {
        scope,
        received: ([, changed]) => reportProgress(run, changed),
        first: transaction.interface,
      })
      await listen('ErrorCode', ([, details]) => {
        problem = String(details)
      })
      await listen('Finished', ([exit]) => (Number(exit) === SUCCESS ? resolve() : fail(problem)))
      const received = () => fail('PackageKit has ended')
      await bus.listen(BUS, 'NameOwnerChanged', { scope, received, first: NAME })
      await bus.call(transaction, 'SetHints', 'as', [['locale=C', 'background=false', 'interactive=false']])
      await bus.call(transaction, work.member, work.signature, work.body)
      await ended
      return packages
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof PackageError ? error : new PackageError(messageOf(error), { cause: error })
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      scope.close()
    }
  }
}

/** PackageKit reports 101 where it does not know how far it is. */
function reportProgress(run: PackageRun, changed: unknown): void {
  const { Percentage: percent } = (changed ?? {}) as { readonly Percentage?: unknown }
  if (typeof percent === 'number') run.progress?.(percent > 100 ? null : percent / 100)
}

function nameOf({ id }: Package): string {
  return id.split(';', 1)[0] ?? id
}
