// The settings in effect. moonraker.conf fixes some; the picture's URL and orientation come from the webcam, if there is
// one; clients change the rest.

import { type TimelapseSettings, timelapseSettings } from '../../api/timelapse.ts'
import type { Webcam } from '../../api/webcam.ts'
import type { InferShape } from '../../schema/index.ts'
import { isPlainObject, optionalFields, readOr, type Schema } from '../../schema/index.ts'
import type { Namespaces } from '../../storage/index.ts'

/** The namespace and key of the third-party component. */
const NAMESPACE = 'timelapse'
const KEY = 'config'

const changes = optionalFields(timelapseSettings)

/** Settings that a client changes. */
export type SettingsChange = InferShape<typeof changes>
/** The settings that moonraker.conf fixes. */
export type FixedSettings = Partial<Omit<TimelapseSettings, 'blockedsettings'>>
type Setting = keyof typeof timelapseSettings

const SETTINGS = Object.keys(timelapseSettings) as Setting[]

/** The webcams, as the settings need them. */
export interface Cameras {
  list(): readonly Webcam[]
  snapshotUrl(webcam: Webcam): Promise<string>
}

/** What the settings depend on. */
export interface SettingsParts {
  readonly namespaces: Namespaces
  readonly cameras: Cameras
  /** The settings of moonraker.conf. */
  readonly fixed: FixedSettings
  /** Whether videos can be rendered. */
  readonly canRender: () => boolean
}

export class Settings {
  readonly #parts: SettingsParts

  constructor(parts: SettingsParts) {
    this.#parts = parts
  }

  /** The settings in effect now. */
  async read(): Promise<TimelapseSettings> {
    const { fixed, canRender } = this.#parts
    const stored = this.#stored()
    const camera = fixed.camera ?? stored.camera
    const all = { ...stored, ...(await this.#ofCamera(camera)), ...fixed }
    return {
      ...all,
      snapshoturl: absoluteUrl(all.snapshoturl),
      autorender: all.autorender && canRender(),
      blockedsettings: Object.keys(fixed),
    }
  }

  /** Stores the settings that moonraker.conf does not fix; resolves with their names. */
  async change(change: SettingsChange): Promise<Set<Setting>> {
    const { namespaces, fixed } = this.#parts
    const names = SETTINGS.filter(name => change[name] !== undefined && fixed[name] === undefined)
    const before = namespaces.find(NAMESPACE, [KEY])
    const values = Object.fromEntries(names.map(name => [name, change[name]]))
    if (names.length > 0) await namespaces.post(NAMESPACE, [KEY], { ...fieldsOf(before), ...values })
    return new Set(names)
  }

  /** Front-ends write to the namespace themselves, and older ones wrote other types. */
  #stored(): Omit<TimelapseSettings, 'blockedsettings'> {
    const stored = fieldsOf(this.#parts.namespaces.find(NAMESPACE, [KEY]))
    const values = SETTINGS.map(name => {
      const field: Schema<unknown> = timelapseSettings[name]
      return [name, readOr(field, stored[name], field.fallback?.value)]
    })
    return Object.fromEntries(values)
  }

  /** Mainsail stores the name of a webcam, Fluidd its uid. */
  async #ofCamera(
    camera: string,
  ): Promise<Pick<TimelapseSettings, 'snapshoturl' | 'rotation' | 'flip_x' | 'flip_y'> | null> {
    const { cameras } = this.#parts
    const webcams = cameras.list()
    const webcam = webcams.find(({ uid, name }) => uid === camera || name === camera) ?? webcams[0]
    if (webcam === undefined) return null
    return {
      snapshoturl: await cameras.snapshotUrl(webcam),
      rotation: webcam.rotation,
      flip_x: webcam.flip_horizontal,
      flip_y: webcam.flip_vertical,
    }
  }
}

/** A URL without a host is one of a web server on this machine. */
function absoluteUrl(url: string): string {
  if (url === '' || /^[a-z][a-z0-9+.-]*:/i.test(url)) return url
  return `http://localhost${url.startsWith('/') ? '' : '/'}${url}`
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isPlainObject(value) ? value : {}
}
