// [sensor NAME]: values that other devices publish over MQTT, for clients and for the history.
import { sensors as chapter } from '../../api/sensors.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import type { ReadSection } from '../../config/index.ts'
import type { Timer } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { Invalid, Missing, readShape } from '../../schema/index.ts'
import { jobFieldsService } from '../history/service.ts'
import { mqttService } from '../mqtt/service.ts'
import { type FieldSettings, HistoryField } from './history-field.ts'
import { followTopic } from './mqtt-source.ts'
import { fieldKeys, mqttOptions, sensorOptions } from './options.ts'
import { Sensor } from './sensor.ts'

type Section = ReadSection<typeof sensorOptions>

/** Seconds between two stored values. */
const PERIOD = 1

/** Throws ConfigError. */
function readField({ warnings }: Core, section: Section, name: string, given: object): FieldSettings {
  const option = `history_field_${name}`
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(fieldKeys, key)) {
      warnings.add(`[${section.section}]: Option '${option}' contains invalid key '${key}'`)
    }
  }
  try {
    return readShape(fieldKeys, given)
  } catch (error) {
    if (error instanceof Missing) {
      throw section.error(
        `[${section.section}]: option '${option}', key '${error.path}' must be specified`,
        option,
      )
    }
    if (error instanceof Invalid)
      throw section.error(`the option "${option}", key '${error.path}' must be ${error.problem}`, option)
    throw error
  }
}

function makeSensor(core: Core, section: Section): Sensor {
  const { name, options } = section
  const fields = Object.entries(options.history_field_).map(
    ([field, given]) => [field, readField(core, section, field, given)] as const,
  )
  const settings = {
    id: name,
    friendlyName: options.name ?? name,
    type: options.type,
    storeSize: options.sensor_store_size,
    parameters: options.parameter_,
  }
  return new Sensor(settings, present =>
    fields.map(([field, given]) => new HistoryField(name, field, given, () => present(given.parameter))),
  )
}

/** Stores values once per second and notifies clients of changes, while there are any. */
class Sampling {
  readonly #core: Core
  readonly #sensors: ReadonlyMap<string, Sensor>
  #timer: Timer | null = null

  constructor(core: Core, sensors: ReadonlyMap<string, Sensor>) {
    this.#core = core
    this.#sensors = sensors
  }

  /** Values have arrived, or are no longer known. */
  start(): void {
    this.#timer ??= this.#core.clock.every(PERIOD, () => this.#sample())
  }

  stop(): void {
    this.#timer?.stop()
    this.#timer = null
  }

  #sample(): void {
    const changed = [...this.#sensors].filter(([, sensor]) => sensor.sample())
    if (changed.length > 0) {
      const values = changed.map(([id, sensor]) => [id, sensor.values])
      this.#core.connections.notify('notify_sensor_update', Object.fromEntries(values))
    }
    if (!this.#sensors.values().some(({ hasValues }) => hasValues)) this.stop()
  }
}

function infoOf({ settings, values, fields }: Sensor, extended: boolean) {
  const { id, friendlyName, type, parameters } = settings
  const info = { id, friendly_name: friendlyName, type, values }
  if (!extended) return info
  return {
    ...info,
    parameter_info: Object.entries(parameters).map(([name, options]) => ({ ...options, name })),
    history_fields: fields.map(field => {
      const { desc: _desc, ...settings } = field.settings
      return { field: field.name, provider: field.provider, description: field.description, ...settings }
    }),
  }
}

function serve({ registry }: Core, scope: Scope, sensors: ReadonlyMap<string, Sensor>): void {
  const find = (id: string): Sensor => {
    const sensor = sensors.get(id)
    if (sensor === undefined) throw new ApiError(400, `No valid sensor named ${id}`)
    return sensor
  }
  const byId = <T>(what: (sensor: Sensor) => T) =>
    Object.fromEntries([...sensors].map(([id, sensor]) => [id, what(sensor)]))
  scope.use(
    registry.serve(chapter, {
      'server.sensors.list': ({ extended }) => ({ sensors: byId(sensor => infoOf(sensor, extended)) }),
      'server.sensors.info': ({ sensor, extended }) => infoOf(find(sensor), extended),
      'server.sensors.measurements': ({ sensor }) =>
        sensor === undefined
          ? byId(({ measurements }) => measurements)
          : { [sensor]: find(sensor).measurements },
    }),
  )
}

/** Pauses the fields that do not count while a job is paused. */
function followJobs({ events }: Core, scope: Scope, fields: readonly HistoryField[]): void {
  const setPaused = (isPaused: boolean) => {
    for (const field of fields) field.setPaused(isPaused)
  }
  scope.use(events.on('job:paused', () => setPaused(true)))
  scope.use(events.on('job:resumed', () => setPaused(false)))
}

export default component({
  section: 'sensor',
  presence: 'configured',
  options: {},
  named: { options: sensorOptions, byType: { mqtt: mqttOptions } },
  needs: { mqtt: mqttService, jobFields: optional(jobFieldsService) },
  create({ core, scope, named, needs }) {
    const sensors = new Map<string, Sensor>()
    const sampling = new Sampling(core, sensors)
    named.each(section => {
      const sensor = makeSensor(core, section)
      followTopic(core, scope, section, needs.mqtt, sensor, () => sampling.start())
      sensors.set(section.name, sensor)
    })
    serve(core, scope, sensors)
    const fields = [...sensors.values()].flatMap(sensor => sensor.fields)
    followJobs(core, scope, fields)
    return {
      start() {
        const jobFields = needs.jobFields()
        if (jobFields !== null) for (const field of fields) scope.use(jobFields.add(field))
      },
      stop: () => sampling.stop(),
    }
  },
})
