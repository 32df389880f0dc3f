// The options of [sensor NAME], and the keys of its history fields.
import { STRATEGIES } from '../../api/sensors.ts'
import { pairs, prefixed, template } from '../../config/index.ts'
import { bool, choice, int, string } from '../../schema/index.ts'

/** The options of every sensor. */
export const sensorOptions = {
  type: choice('mqtt').describe('How values arrive'),
  name: string().describe('The name for people; the name of the section without it').optional(),
  sensor_store_size: int({ min: 1, max: 100_000 })
    .describe('Values kept of each parameter, one per second')
    .default(1200),
  parameter_: prefixed(
    pairs(string().nullable()).describe(
      'A parameter of the sensor, with key=value lines for front-ends, such as units=W',
    ),
  ),
  history_field_: prefixed(
    pairs(string().nullable()).describe(
      'A value of each job in the history: lines with parameter, desc, strategy, units, init_tracker, exclude_paused, report_total, report_maximum, precision',
    ),
  ),
}

/** The options of `type: mqtt`. */
export const mqttOptions = {
  state_topic: string().describe('The topic of the messages with values'),
  state_response_template: template().describe(
    'Template that reads a message (payload) and calls set_result(parameter, number)',
  ),
  qos: int({ min: 0, max: 2 }).describe('Quality of service of the subscription').optional(),
}

/** The keys of a history field. */
export const fieldKeys = {
  parameter: string(),
  desc: string().optional(),
  strategy: choice(...STRATEGIES).default('basic'),
  units: string().nullable().default(null),
  init_tracker: bool().default(false),
  exclude_paused: bool().default(false),
  report_total: bool().default(false),
  report_maximum: bool().default(false),
  precision: int({ min: 0, max: 20 }).nullable().default(null),
}
