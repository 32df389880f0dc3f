// The rules by which Home Assistant accepts the discovery message of a device, as its documents state them
// (integrations/mqtt, and the page of each platform).
import assert from 'node:assert/strict'
import { compileTemplate } from '../../../src/template/index.ts'

interface Options extends Readonly<Record<string, unknown>> {
  readonly device_class?: string
  readonly unit_of_measurement?: string
  readonly state_class?: string
}

/** The discovery message. */
export interface Discovery {
  readonly device: Options & { readonly identifiers: readonly string[] }
  readonly origin: Options
  readonly availability: readonly Options[]
  readonly availability_mode: string
  readonly state_topic: string
  readonly qos: number
  readonly components: Readonly<Record<string, Options & { readonly platform: string }>>
}

const COMMON = [
  'platform',
  'unique_id',
  'name',
  'icon',
  'availability',
  'entity_category',
  'enabled_by_default',
]

/** The options that each platform has, and those that it needs. */
const PLATFORMS: Readonly<
  Record<string, { readonly known: readonly string[]; readonly needed: readonly string[] }>
> = {
  sensor: {
    known: [
      'device_class',
      'state_class',
      'unit_of_measurement',
      'suggested_display_precision',
      'options',
      'value_template',
    ],
    needed: ['value_template'],
  },
  binary_sensor: {
    known: ['device_class', 'payload_on', 'payload_off', 'value_template'],
    needed: ['value_template'],
  },
  button: { known: ['device_class', 'command_topic', 'payload_press'], needed: ['command_topic'] },
  number: {
    known: [
      'device_class',
      'unit_of_measurement',
      'suggested_display_precision',
      'min',
      'max',
      'step',
      'mode',
      'command_topic',
      'value_template',
    ],
    needed: ['command_topic', 'value_template'],
  },
  switch: {
    known: ['payload_on', 'payload_off', 'command_topic', 'value_template'],
    needed: ['command_topic', 'value_template'],
  },
  light: {
    known: ['schema', 'brightness', 'supported_color_modes', 'state_topic', 'command_topic'],
    needed: ['command_topic', 'state_topic', 'supported_color_modes'],
  },
  image: { known: ['content_type', 'image_topic'], needed: ['image_topic'] },
}

/** Units by device class. */
const UNITS: Readonly<Record<string, readonly (string | undefined)[]>> = {
  temperature: ['°C'],
  duration: ['min'],
  distance: ['mm'],
  enum: [undefined],
  timestamp: [undefined],
  connectivity: [undefined],
  restart: [undefined],
}

/** Throws where Home Assistant would reject the message or log an error. */
export function checkDiscovery(message: Discovery, objectId: string): void {
  assert.match(objectId, /^[a-zA-Z0-9_-]+$/)
  assert.ok(message.device.identifiers.length > 0)
  assert.equal(typeof message.origin.name, 'string')
  assert.ok(['all', 'any', 'latest'].includes(message.availability_mode))
  for (const { topic } of message.availability) assert.equal(typeof topic, 'string')
  const ids = Object.values(message.components).map(component => component.unique_id)
  assert.equal(new Set(ids).size, ids.length, 'unique ids')
  for (const [key, component] of Object.entries(message.components)) checkComponent(key, component)
}

function checkComponent(key: string, component: Options & { readonly platform: string }): void {
  const platform = PLATFORMS[component.platform]
  assert.ok(platform, `${key}: platform ${component.platform}`)
  const names = Object.keys(component)
  // A component with its platform alone is removed.
  if (names.length === 1) return
  for (const name of names) {
    assert.ok(COMMON.includes(name) || platform.known.includes(name), `${key}: unknown option ${name}`)
  }
  for (const name of ['unique_id', 'name', ...platform.needed])
    assert.ok(name in component, `${key}: needs ${name}`)
  const { device_class: kind, unit_of_measurement: unit, state_class: state, options } = component
  if (kind !== undefined) assert.ok(UNITS[kind]?.includes(unit), `${key}: ${kind} in ${unit}`)
  if (kind === 'enum') assert.ok(Array.isArray(options) && state === undefined, key)
  if (options !== undefined) assert.equal(kind, 'enum', key)
  if (state !== undefined) assert.ok(['measurement', 'total_increasing'].includes(state), key)
  if (component.entity_category !== undefined) assert.equal(component.entity_category, 'diagnostic', key)
  if (component.platform === 'number') assert.ok(Number(component.min) < Number(component.max), key)
}

/** Renders the template of a component with the state message, as Home Assistant does; `None` is an unknown state. */
export async function renderState(component: Options, state: string): Promise<string> {
  const template = compileTemplate(String(component.value_template), {
    braces: 'double',
    undefined: 'strict',
  })
  return template.render({ value_json: JSON.parse(state) })
}

/** Throws where the entity does not accept this state. */
export function checkState(key: string, component: Options, state: string): void {
  if (state === 'None') return
  const { platform, device_class: kind, unit_of_measurement: unit, options, min, max } = component
  assert.ok(state.length <= 255, key)
  if (platform === 'binary_sensor') assert.ok(['ON', 'OFF'].includes(state), `${key}: ${state}`)
  if (kind === 'enum') assert.ok((options as string[]).includes(state), `${key}: ${state}`)
  if (kind === 'timestamp') assert.match(state, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, key)
  if (unit !== undefined || component.state_class !== undefined) {
    assert.ok(state !== '' && Number.isFinite(Number(state)), `${key}: ${state}`)
  }
  if (platform === 'number')
    assert.ok(Number(state) >= Number(min) && Number(state) <= Number(max), `${key}: ${state}`)
}
