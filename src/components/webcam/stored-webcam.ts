// Webcams as stored in the database: with Mainsail's field names, which the original still writes.
import { type Webcam, webcamSettings } from '../../api/webcam.ts'
import { isPlainObject, readOr, type Schema } from '../../schema/index.ts'

type Setting = keyof typeof webcamSettings

/** The stored name of each setting. */
const STORED_NAMES = {
  enabled: 'enabled',
  icon: 'icon',
  aspect_ratio: 'aspectRatio',
  target_fps: 'targetFps',
  target_fps_idle: 'targetFpsIdle',
  location: 'location',
  service: 'service',
  stream_url: 'urlStream',
  snapshot_url: 'urlSnapshot',
  flip_horizontal: 'flipX',
  flip_vertical: 'flipY',
  rotation: 'rotation',
} as const satisfies Record<Setting, string>

/** Older Mainsails wrote `rotate`, wrote numbers as text, and left out fields that other front-ends need. */
const OLD_ROTATION = 'rotate'

/**
 * The webcam of a record, from any front-end or server. A missing or invalid field gets its default, so that one such
 * field does not lose the webcam. Undefined for a record without a name.
 */
export function readStored(uid: string, stored: unknown): Webcam | undefined {
  if (!isPlainObject(stored) || typeof stored.name !== 'string' || stored.name === '') return undefined
  const values = { ...stored, rotation: stored.rotation ?? stored[OLD_ROTATION] }
  const settings = Object.entries(STORED_NAMES).map(([setting, key]) => [
    setting,
    readOrDefault(setting as Setting, values[key as keyof typeof values]),
  ])
  return {
    name: stored.name,
    ...(Object.fromEntries(settings) as Pick<Webcam, Setting>),
    source: 'database',
    extra_data: isPlainObject(stored.extra_data) ? stored.extra_data : {},
    uid,
  }
}

function readOrDefault(setting: Setting, value: unknown): unknown {
  const schema: Schema<unknown> = webcamSettings[setting]
  return readOr(schema, value, schema.fallback?.value ?? '')
}

/** The record of a webcam. Other fields of `before`, the record that it replaces, stay. */
export function storedOf(cam: Webcam, before: unknown): Record<string, unknown> {
  const settings = Object.entries(STORED_NAMES).map(([setting, key]) => [key, cam[setting as Setting]])
  return {
    ...(isPlainObject(before) && before),
    name: cam.name,
    ...Object.fromEntries(settings),
    extra_data: cam.extra_data,
  }
}
