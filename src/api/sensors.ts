// API document: "Sensor APIs". Values that other devices measure, such as energy or humidity.
import { bool, choice, float, int, json, list, object, record, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get } from './endpoint.ts'

/** How a job's value is made from the values of a sensor. */
export const STRATEGIES = [
  'basic',
  'accumulate',
  'delta',
  'average',
  'maximum',
  'minimum',
  'collect',
] as const

const Values = record(float()).describe('The present value of each parameter; empty without any')

const HistoryField = object({
  field: string(),
  provider: string(),
  description: string(),
  strategy: choice(...STRATEGIES),
  units: string().nullable(),
  init_tracker: bool(),
  exclude_paused: bool(),
  report_total: bool(),
  report_maximum: bool(),
  precision: int().nullable(),
  parameter: string().describe('The parameter whose values it records'),
})

const Sensor = object({
  id: string(),
  friendly_name: string(),
  type: string(),
  values: Values,
  parameter_info: list(record(json()))
    .describe('Only extended: the options of each parameter, and its name')
    .optional(),
  history_fields: list(HistoryField).describe('Only extended').optional(),
})

const Measurements = record(list(float())).describe('Each parameter: one value per second, the oldest first')
const extended = bool().describe('With parameter_info and history_fields').default(false)

export const sensors = chapter({
  title: 'Sensor APIs',
  about: 'Values that other devices measure, now and in the last minutes',
  methods: {
    'server.sensors.list': get('/server/sensors/list', {
      summary: 'Every sensor',
      params: { extended },
      result: object({ sensors: record(Sensor) }),
    }),
    'server.sensors.info': get('/server/sensors/info', {
      summary: 'One sensor',
      params: { sensor: string().describe('Its id'), extended },
      result: Sensor,
    }),
    'server.sensors.measurements': get('/server/sensors/measurements', {
      summary: 'The last values of one sensor, or of all',
      params: { sensor: string().describe('Its id; all sensors without it').optional() },
      result: record(Measurements).describe('Each sensor by its id'),
    }),
  },
  notifications: {
    notify_sensor_update: notification(
      'Values of sensors changed; at most once per second',
      record(Values).describe('All values of each sensor that changed'),
    ),
  },
})
