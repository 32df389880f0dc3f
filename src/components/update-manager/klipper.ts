// The entry klipper: the Klipper that Klippy runs from, which is known once Klippy has identified itself.
import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { EntryStatus } from '../../api/update-manager.ts'
import type { Core } from '../../component/component.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { MachineServices } from '../machine/service.ts'
import type { Git } from './git/git.ts'
import type { GeneralOptions } from './options.ts'
import type { BuiltInOptions } from './sections.ts'
import type { SystemPackages } from './system/system-packages.ts'
import type { StoredState, Updater } from './updater.ts'

const NAME = 'klipper'
const ORIGIN = 'https://github.com/Klipper3d/klipper.git'
const MOVED_ORIGIN = 'https://github.com/kevinoconnor/klipper.git'

/** Where a Klipper is. */
export interface KlipperPlace {
  /** The folder of Klipper. */
  readonly path: string
  /** The Python program that runs Klippy. */
  readonly python: string
}

/** What the entry needs. */
export interface KlipperParts {
  readonly core: Core
  readonly general: GeneralOptions
  readonly machine: MachineServices
  readonly packages: SystemPackages
  /** Runs git in any folder. */
  readonly git: Git
  /** Of [update_manager klipper]. */
  readonly options: BuiltInOptions | undefined
}

/** A Klipper that is not identified, or whose folder is no repository: nothing is known, and nothing is updated. */
export class UnknownKlipper implements Updater {
  readonly name = NAME
  readonly label = 'Klipper'
  readonly services: readonly string[] = []
  /** KlipperScreen fails on an entry without a version: one that will never have one is left out. */
  readonly isHidden: boolean

  constructor(isIdentified: boolean) {
    this.isHidden = isIdentified
  }

  status(): EntryStatus {
    return {}
  }

  refresh(): Promise<void> {
    return Promise.resolve()
  }

  update(): Promise<void> {
    return Promise.resolve()
  }

  stored(): StoredState {
    return {}
  }

  restore(): void {}
}

/** Makes the entry for a Klipper. */
export class KlipperSource {
  readonly #parts: KlipperParts

  constructor(parts: KlipperParts) {
    this.#parts = parts
  }

  /** Hours between two refreshes; undefined for the default. */
  get refreshHours(): number | undefined {
    return this.#parts.options?.refresh_interval
  }

  /** The Klipper that Klippy has reported; null while it is not connected. */
  get reported(): KlipperPlace | null {
    const { klipper_path, python_path } = this.#parts.core.printer.session.info ?? {}
    return placeOf(klipper_path, python_path)
  }

  /** The Klipper of a stored state. */
  storedPlace(stored: unknown): KlipperPlace | null {
    return isPlainObject(stored) ? placeOf(stored.klipper_path, stored.python_path) : null
  }

  /** What a refresh depends on. */
  configOf(place: KlipperPlace): unknown {
    return [this.#parts.general.channel, this.#parts.options, place]
  }

  /** The updater of a Klipper; null where its folder is no repository. */
  async open(place: KlipperPlace): Promise<Updater | null> {
    const path = await realpath(place.path).catch(() => null)
    if (path === null) return null
    const [{ kindOf }, { KlipperUpdater }] = await Promise.all([
      import('./git/read-repo.ts'),
      import('./git/klipper-updater.ts'),
    ])
    if ((await kindOf(path)) === 'none') return null
    const { core, general, packages, git, options } = this.#parts
    return new KlipperUpdater({
      core,
      packages,
      place,
      path,
      virtualenv: dirname(dirname(place.python)),
      git,
      origin: ORIGIN,
      movedOrigin: MOVED_ORIGIN,
      spec: {
        name: NAME,
        channel: options?.channel ?? general.channel ?? 'dev',
        primaryBranch: 'master',
        origin: ORIGIN,
        pin: options?.pin ?? null,
        services: [NAME],
        infoTags: [],
        reportAnomalies: options?.report_anomalies ?? true,
        debug: core.debug,
      },
    })
  }
}

function placeOf(path: unknown, python: unknown): KlipperPlace | null {
  return typeof path === 'string' && typeof python === 'string' && path !== '' ? { path, python } : null
}
