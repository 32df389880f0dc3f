// The message by which Home Assistant learns of the printer: one device with all its entities.
import type { Entity } from './entity.ts'

/** Entities of earlier configurations that the message still removes. */
const MAX_REMOVED = 200

/** What the device is. */
export interface DeviceFacts {
  /** Unique and permanent; letters, digits and underscores. */
  readonly id: string
  readonly name: string
  readonly model: string
  readonly version: string
  /** Undefined if the address is not known. */
  readonly url: string | undefined
  /** The prefix of the server's topics. */
  readonly instanceName: string
}

/** The component of an entity that Home Assistant removes. */
type Removal = { readonly platform: string }

/** The components of an earlier message, by their keys. Empty for a message of another kind. */
export function componentsOf(payload: string): Record<string, Removal> {
  try {
    const { components = {} } = JSON.parse(payload) as { components?: Record<string, Removal> }
    const removals = Object.entries(components).slice(0, MAX_REMOVED)
    return Object.fromEntries(removals.map(([key, { platform }]) => [key, { platform: String(platform) }]))
  } catch {
    return {}
  }
}

/** The message. It removes those of `earlier` that are not among `entities`. */
export function discoveryMessage(
  device: DeviceFacts,
  entities: readonly Entity[],
  earlier: Readonly<Record<string, Removal>>,
): string {
  const { id, name, model, version, url, instanceName } = device
  const server = {
    topic: `${instanceName}/moonraker/status`,
    value_template: '{{ value_json.server }}',
  }
  const components = entities.map(entity => [entity.key, componentOf(device, entity, [server])])
  return JSON.stringify({
    device: {
      identifiers: [id],
      name,
      manufacturer: 'Klipper',
      model,
      sw_version: version,
      ...(url !== undefined && { configuration_url: url }),
    },
    origin: { name: 'moonraker-ts', sw_version: version },
    availability: [server, { topic: `${instanceName}/ha/printer` }],
    availability_mode: 'all',
    state_topic: `${instanceName}/ha/state`,
    qos: 1,
    components: { ...earlier, ...Object.fromEntries(components) },
  })
}

function componentOf(
  { id, instanceName }: DeviceFacts,
  { key, platform, config, value, ownState, command, withoutKlipper }: Entity,
  availability: readonly unknown[],
): Record<string, unknown> {
  return {
    platform,
    unique_id: `${id}_${key}`,
    ...config,
    ...(value !== undefined && { value_template: `{{ value_json.${key} }}` }),
    ...(ownState !== undefined && { state_topic: `${instanceName}/ha/led/${key}` }),
    ...(platform === 'image' && { image_topic: `${instanceName}/ha/thumb` }),
    ...(command !== undefined && { command_topic: `${instanceName}/ha/do/${key}` }),
    ...(withoutKlipper && { availability }),
  }
}
