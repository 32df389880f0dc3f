// The repository of Klipper, which remembers where it is.
import type { Core } from '../../../component/component.ts'
import { Dependencies } from '../dependencies/index.ts'
import type { SystemPackages } from '../system/system-packages.ts'
import type { StoredState } from '../updater.ts'
import type { Git } from './git.ts'
import { GitUpdater } from './git-updater.ts'
import { movedUrl } from './moved-repo.ts'
import type { RepoSpec } from './status.ts'

/** What it is made from. */
export interface KlipperUpdaterParts {
  readonly core: Core
  readonly packages: SystemPackages
  readonly spec: RepoSpec
  /** As Klippy reports it. */
  readonly place: { readonly path: string; readonly python: string }
  /** Its folder, without links. */
  readonly path: string
  readonly virtualenv: string
  /** Runs git in any folder. */
  readonly git: Git
  readonly origin: string
  readonly movedOrigin: string
}

export class KlipperUpdater extends GitUpdater {
  readonly #place: KlipperUpdaterParts['place']

  constructor({
    core,
    packages,
    spec,
    place,
    path,
    virtualenv,
    git,
    origin,
    movedOrigin,
  }: KlipperUpdaterParts) {
    const { clock, log } = core
    super({
      spec,
      git: git.at(path),
      clock,
      dependencies: new Dependencies({
        files: {
          path,
          python: 'scripts/klippy-requirements.txt',
          system: null,
          script: 'scripts/install-octopi.sh',
          node: false,
        },
        virtualenv,
        pipEnvironment: {},
        packages,
        log,
      }),
      findUrl: movedUrl({ core, name: spec.name, origin, movedOrigin }),
    })
    this.#place = place
  }

  override stored(): StoredState {
    return { ...super.stored(), klipper_path: this.#place.path, python_path: this.#place.python }
  }
}
